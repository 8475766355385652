"""Unit tests of components/."""
