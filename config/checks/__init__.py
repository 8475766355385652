"""Checks between the fields of a stack's YAML, one file per subject."""
