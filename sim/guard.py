"""Stop a cluster when the process that owns it exits, even by SIGKILL.

Run as `python -m sim.guard HOME DATA` with a pipe as standard input whose other end only the owner
holds: the kernel closes it when the owner exits. (The kernel's parent-death signal does not work:
it fires when the *thread* that started the child ends, and clusters are started from threads.)
"""

import sys
from pathlib import Path

from sim.process import erase


def main() -> None:
    """Wait for the owner's end of the pipe to close, then erase the cluster."""
    home, data = (Path(argument) for argument in sys.argv[1:3])
    sys.stdin.buffer.read()
    erase(home, data)


if __name__ == "__main__":
    main()
