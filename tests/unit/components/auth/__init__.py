"""Unit tests of components/auth/."""
