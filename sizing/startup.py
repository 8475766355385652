"""The time a model takes to become ready, and the shared memory that its pod needs."""

from dataclasses import dataclass
from math import ceil
from typing import Final

from base.units import GIB

ENGINE_START_SECONDS: Final = 300
"""Start of the engine without loading weights: compilation, CUDA graphs, memory profiling. llm-d
sets its autoscaler's stabilization to 300 s, about the cold start it measured."""

STARTUP_MARGIN: Final = 1.5
"""Factor of the startup probe over the estimate; an assumption. Too much delays the alarm of a
broken start, too little makes a crash loop that never ends."""

PULL_SECONDS: Final = 600
"""To pull an image of about 10 GB onto a node that has none of its layers; an assumption."""

_PROBE_SECONDS: Final = 10
"""Period of a startup probe, to which its patience is rounded up."""

_GLOO_SECONDS: Final = 1800
"""vLLM's patience between the CPUs of peers where nothing is set (vllm/config/parallel.py:371)."""

SHM_BYTES_PER_GPU: Final = 2 * GIB
"""vLLM's Kubernetes guide mounts 2 GiB for one GPU, the LeaderWorkerSet guide 15 GiB for eight."""


@dataclass(frozen=True)
class StartupBudget:
    """The seconds that each step of a start may take; every time-out of a model follows from it.

    Whoever waits for a step waits longer than the step may take, so that the startup probe is what
    gives up first: it restarts the server, and says so.
    """

    verify: int
    """To read the weights once, on a node that has not."""
    load: int
    """Expected from the start of the server to its first answer."""
    stop: int
    """For the predecessor on the same GPUs to end."""
    pods: int = 1
    """Pods of one server, on as many nodes."""
    pull: int = PULL_SECONDS

    @property
    def prepare(self) -> int:
        """Until the server of a pod that is scheduled starts: its image and its weights."""
        return self.pull + ceil(self.verify * STARTUP_MARGIN)

    @property
    def join(self) -> int:
        """How long a pod waits for its peers, which may have to pull and verify when it has not."""
        return self.prepare if self.pods > 1 else 0

    @property
    def cpu_join(self) -> int:
        """The same of the peers' CPUs, never below vLLM's own patience."""
        return max(self.join, _GLOO_SECONDS)

    @property
    def probe(self) -> int:
        """From the start of a server to its first answer, its peers included."""
        seconds = self.join + ceil(self.load * STARTUP_MARGIN)
        return -(-seconds // _PROBE_SECONDS) * _PROBE_SECONDS

    @property
    def engine(self) -> int:
        """How long a process of a server waits for another one of it: longer than the probe."""
        return self.probe + _PROBE_SECONDS

    def ready(self, servers: int) -> int:
        """Until *servers*, replaced one after the other, each on a new node, have answered."""
        return servers * (self.prepare + self.probe + self.stop)


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
