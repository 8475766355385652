"""Tier auth: the identity provider and its realm."""
