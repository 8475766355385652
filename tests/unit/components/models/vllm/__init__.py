"""Unit tests of components/models/vllm/."""
