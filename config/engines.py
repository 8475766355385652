"""The programs that may serve a model."""

from typing import Literal

Engine = Literal["vllm"]
"""One word in a stack's YAML chooses it."""
