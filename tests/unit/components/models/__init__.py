"""Unit tests of components/models/."""
