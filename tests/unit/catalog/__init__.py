"""Unit tests of catalog/."""
