"""Unit tests of components/monitoring/."""
