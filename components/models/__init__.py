"""Tier models: weights, model servers, and the router in front of them."""
