"""The tiers: unit, policies, engine, conformance; docs/testing.md says what each proves."""
