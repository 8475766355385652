"""Tier gateway: the only entry point from outside the cluster."""
