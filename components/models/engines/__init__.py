"""The inference engines besides vLLM, each behind the same auth proxy."""
