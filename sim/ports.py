"""Free ports on the loopback address."""

import random
import socket

LOOPBACK = "127.0.0.1"
# Below Linux's range for outgoing connections (32768 and up): none of them can take a port between
# its choice here and its use.
_RANGE = range(20000, 32768)


def free_port() -> int:
    """A TCP port of 127.0.0.1 that is free now."""
    for port in random.sample(_RANGE, k=len(_RANGE)):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                continue
        return port
    message = f"no free port on {LOOPBACK} from {_RANGE.start} to {_RANGE.stop - 1}"
    raise OSError(message)
