"""Unit tests of components/gpu/."""
