"""Tier apps: what people use in a browser."""
