"""Tier gateway: the one way in."""
