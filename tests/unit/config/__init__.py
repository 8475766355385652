"""Unit tests of config/."""
