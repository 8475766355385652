"""The policy pack, without an engine."""
