"""`pai preflight`."""
