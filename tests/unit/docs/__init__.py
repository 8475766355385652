"""Tests of docs/: what it refers to and quotes is there."""
