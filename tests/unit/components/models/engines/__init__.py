"""Unit tests of components/models/engines/."""
