"""Checks of PromQL expressions against the records of catalog/metrics."""
