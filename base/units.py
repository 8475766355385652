"""Units of size in bytes: binary for memory, decimal for disks, weights and rates."""

from typing import Final

MIB: Final = 1024**2
GIB: Final = 1024**3
GB: Final = 10**9
