"""Unit tests of sim/."""
