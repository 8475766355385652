"""How long a model takes to be ready, and the shared memory that its pod needs."""

from math import ceil
from typing import Final

ENGINE_START_SECONDS: Final = 300
"""Start of the engine besides reading weights: compilation, CUDA graphs, memory profiling. llm-d
sets its autoscaler's stabilisation to 300 s as about the cold start it measured."""

STARTUP_MARGIN: Final = 1.5
"""Slack of the startup probe over the estimate; an assumption. Too much costs a late alarm, too
little a crash loop that never ends."""

SHM_BYTES_PER_GPU: Final = 2 * 1024**3
"""vLLM's Kubernetes guide mounts 2 GiB for one GPU, the LeaderWorkerSet guide 15 GiB for eight."""


def startup_seconds(weights_bytes: int, bandwidth_bytes_per_second: int) -> int:
    """Seconds from start to the first answer of /health.

    `weights_bytes` are those of the whole replica, which its pod reads over storage of
    `bandwidth_bytes_per_second`. Raises ValueError where that is not positive.
    """
    if bandwidth_bytes_per_second <= 0:
        msg = f"bandwidth must be positive, got {bandwidth_bytes_per_second}"
        raise ValueError(msg)
    return ENGINE_START_SECONDS + ceil(weights_bytes / bandwidth_bytes_per_second)


def startup_failure_threshold(seconds: int, period_seconds: int = 10) -> int:
    """The startup probe's failureThreshold: how often it may fail before the pod is restarted."""
    return ceil(seconds * STARTUP_MARGIN / period_seconds)


def shm_bytes(gpus_per_pod: int) -> int:
    """Size for the pod's /dev/shm, in bytes; it counts against the pod's memory limit."""
    return SHM_BYTES_PER_GPU * max(1, gpus_per_pod)
