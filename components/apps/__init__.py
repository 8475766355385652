"""Tier apps: web applications."""
