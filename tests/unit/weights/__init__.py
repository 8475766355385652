"""Unit tests of weights/."""
