"""Checks of PromQL expressions against the records of catalog/metrics.

The parser knows the grammar of Prometheus 2.45; tests/conformance has the real one parse the same
expressions.
"""
