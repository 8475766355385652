"""The tiers: unit, policies, engine, conformance (docs/reference/testing.md)."""
