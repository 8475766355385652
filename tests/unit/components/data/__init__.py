"""Unit tests of components/data/."""
