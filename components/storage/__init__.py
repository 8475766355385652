"""Tier storage: the S3 object store."""
