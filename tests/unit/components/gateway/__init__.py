"""Unit tests of components/gateway/."""
