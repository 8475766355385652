"""Unit tests of base/."""
