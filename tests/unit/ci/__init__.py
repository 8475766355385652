"""Unit tests of what CI jobs run (.ci/)."""
