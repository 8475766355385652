"""Unit tests of toolchain/."""
