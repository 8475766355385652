"""Unit tests of components/apps/."""
