"""The header of a safetensors file: the bytes that its tensors take."""

import json
from typing import Any, Final

PREFIX: Final = 8
"""Bytes before the header, which state its length (little-endian):
https://github.com/huggingface/safetensors#format."""

_LONGEST: Final = 100 * 10**6
"""Longest header that the format allows, bytes."""


class HeaderError(ValueError):
    """The bytes are no header of a safetensors file."""


def header_length(prefix: bytes) -> int:
    """The length of the header that follows *prefix*. Raises HeaderError."""
    length = int.from_bytes(prefix, "little")
    if len(prefix) != PREFIX or not 0 < length <= _LONGEST:
        message = f"a header of {length} bytes"
        raise HeaderError(message)
    return length


def tensor_bytes(header: bytes) -> int:
    """Bytes of all tensors that *header* lists. Raises HeaderError."""
    try:
        listed: Any = json.loads(header)
        spans = [each["data_offsets"] for name, each in listed.items() if name != "__metadata__"]
        sizes = [end - start for start, end in spans]
        sound = all(isinstance(size, int) and size >= 0 for size in sizes)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        sound, sizes = False, []
    if not sound:
        message = "no list of tensors with their data_offsets"
        raise HeaderError(message)
    return sum(sizes)
