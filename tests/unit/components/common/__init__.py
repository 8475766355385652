"""Unit tests of components/common/."""
