"""Unit tests of sizing/."""
