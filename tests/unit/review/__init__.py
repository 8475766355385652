"""Unit tests of review/."""
