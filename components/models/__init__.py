"""Tier models: weights, model servers, and the router."""
