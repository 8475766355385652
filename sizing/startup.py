"""The time a model takes to become ready, and the shared memory that its pod needs."""

from math import ceil
from typing import Final

from base.units import GIB

ENGINE_START_SECONDS: Final = 300
"""Start of the engine without loading weights: compilation, CUDA graphs, memory profiling. llm-d
sets its autoscaler's stabilization to 300 s, about the cold start it measured."""

STARTUP_MARGIN: Final = 1.5
"""Factor of the startup probe over the estimate; an assumption. Too much delays the alarm of a
broken start, too little makes a crash loop that never ends."""

SHM_BYTES_PER_GPU: Final = 2 * GIB
"""vLLM's Kubernetes guide mounts 2 GiB for one GPU, the LeaderWorkerSet guide 15 GiB for eight."""


def startup_seconds(weights_bytes: int, bandwidth_bytes_per_second: int) -> int:
    """Seconds from the start to the first successful /health.

    `weights_bytes` are those of the whole replica, which its pod reads from storage at
    `bandwidth_bytes_per_second`. Raises ValueError where that is not positive.
    """
    if bandwidth_bytes_per_second <= 0:
        msg = f"bandwidth must be positive, got {bandwidth_bytes_per_second}"
        raise ValueError(msg)
    return ENGINE_START_SECONDS + ceil(weights_bytes / bandwidth_bytes_per_second)


def shm_bytes(gpus_per_pod: int) -> int:
    """Size of the pod's /dev/shm, bytes; it counts against the pod's memory limit."""
    return SHM_BYTES_PER_GPU * max(1, gpus_per_pod)
