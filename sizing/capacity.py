"""A whole stack on its GPUs: what each pool carries, what each model leaves free, what is wrong."""

from collections.abc import Iterable, Sequence
from typing import Literal

from pydantic import Field

from catalog.gpus import GpuSpec
from catalog.models import ModelSpec, WeightDtype
from config.base import Model
from sizing.memory import (
    GPU_MEMORY_UTILIZATION,
    Fit,
    KvDtype,
    fit,
    tensor_parallel_sizes,
)

ProblemCode = Literal[
    "unknown-pool",
    "heads-not-divisible",
    "context-too-long",
    "replica-too-wide",
    "does-not-fit",
    "pool-too-small",
    "pool-fragmented",
]


class Pool(Model):
    """Equal nodes of equal GPUs."""

    name: str
    gpu: GpuSpec
    nodes: int = Field(gt=0)
    gpus_per_node: int = Field(gt=0)

    @property
    def gpus(self) -> int:
        """GPUs of all its nodes."""
        return self.nodes * self.gpus_per_node


class Service(Model):
    """One model service: what it serves, how it is cut, and what it promises."""

    name: str
    model: ModelSpec
    pool: str
    """Name of the pool it runs on."""
    dtype: WeightDtype | None = None
    """None: the model's own."""
    kv_dtype: KvDtype = "auto"
    tp: int = Field(default=1, gt=0)
    pp: int = Field(default=1, gt=0)
    replicas: int = Field(default=1, gt=0)
    context_tokens: int = Field(gt=0)
    concurrency: int = Field(default=1, gt=0)
    """Full-length sequences whose KV cache must fit at once."""
    gpu_memory_utilization: float = Field(default=GPU_MEMORY_UTILIZATION, gt=0, le=1)

    @property
    def gpus_per_replica(self) -> int:
        """GPUs that one replica holds."""
        return self.tp * self.pp

    @property
    def gpus(self) -> int:
        """GPUs that all replicas hold."""
        return self.gpus_per_replica * self.replicas


class Problem(Model):
    """One thing wrong, in the parts of a four-part error; the caller adds the path of the field."""

    code: ProblemCode
    subject: Literal["service", "pool"]
    name: str
    """Which service or pool."""
    field: str
    """Which of its fields to point at, as this module names them."""
    got: str
    allowed: str
    remedy: str


class PoolUse(Model):
    """A pool's GPUs, and how many of them are asked for."""

    name: str
    gpu: str
    gpus_available: int
    gpus_used: int


class ServiceFit(Model):
    """A service on its pool."""

    name: str
    model: str
    pool: str
    gpus: int
    fit: Fit


class Capacity(Model):
    """The stack's GPUs at preview."""

    pools: list[PoolUse]
    services: list[ServiceFit]
    """Those whose pool is known."""
    problems: list[Problem]


def capacity(pools: Sequence[Pool], services: Sequence[Service]) -> Capacity:
    """Places every service on its pool, and says everything that is wrong, all of it at once."""
    by_name = {pool.name: pool for pool in pools}
    fits: list[ServiceFit] = []
    problems: list[Problem] = []
    for service in services:
        pool = by_name.get(service.pool)
        if pool is None:
            problems.append(_unknown_pool(service, by_name))
            continue
        found = _fit(service, pool, service.tp, service.context_tokens)
        fits.append(
            ServiceFit(
                name=service.name,
                model=service.model.key,
                pool=pool.name,
                gpus=service.gpus,
                fit=found,
            )
        )
        problems.extend(_service_problems(service, pool, found))
    uses: list[PoolUse] = []
    for pool in pools:
        here = [service for service in services if service.pool == pool.name]
        used = sum(service.gpus for service in here)
        uses.append(
            PoolUse(name=pool.name, gpu=pool.gpu.key, gpus_available=pool.gpus, gpus_used=used)
        )
        problems.extend(_pool_problems(pool, here, used))
    return Capacity(pools=uses, services=fits, problems=problems)


def _fit(service: Service, pool: Pool, tp: int, context_tokens: int) -> Fit:
    return fit(
        service.model,
        pool.gpu,
        dtype=service.dtype,
        kv_dtype=service.kv_dtype,
        tp=tp,
        pp=service.pp,
        context_tokens=context_tokens,
        concurrency=service.concurrency,
        gpu_memory_utilization=service.gpu_memory_utilization,
    )


def _service_problems(service: Service, pool: Pool, found: Fit) -> Iterable[Problem]:
    """What is wrong with one service by itself; the first that makes the rest meaningless ends."""
    arch = service.model.architecture
    in_node = pool.gpus_per_node // service.pp
    cuts = tensor_parallel_sizes(arch, max(1, in_node))
    if service.tp not in tensor_parallel_sizes(arch, service.tp):
        yield _problem(
            service,
            "heads-not-divisible",
            "tp",
            got=str(service.tp),
            allowed=f"{_list(cuts)}: what divides {arch.heads} attention heads and suits "
            f"{arch.kv_heads} KV heads",
            remedy=f"Set it to {_nearest(cuts, service.tp)}.",
        )
        return
    if service.gpus_per_replica > pool.gpus_per_node:
        yield _problem(
            service,
            "replica-too-wide",
            "tp",
            got=f"{service.gpus_per_replica} GPUs per replica (tp {service.tp} x pp {service.pp})",
            allowed=f"at most {pool.gpus_per_node}, the GPUs of one node of pool {pool.name}",
            remedy="Lower tp or pp, or name a pool with larger nodes.",
        )
        return
    if service.context_tokens > arch.max_context:
        yield _problem(
            service,
            "context-too-long",
            "context_tokens",
            got=_number(service.context_tokens),
            allowed=f"at most {_number(arch.max_context)} tokens, what {service.model.key} knows",
            remedy=f"Set it to {arch.max_context} or less.",
        )
        return
    if not found.fits:
        yield _does_not_fit(service, pool, found, cuts)


def _does_not_fit(service: Service, pool: Pool, found: Fit, cuts: list[int]) -> Problem:
    wider = next(
        (
            tp
            for tp in cuts
            if tp > service.tp and _fit(service, pool, tp, service.context_tokens).fits
        ),
        None,
    )
    ways: list[str] = []
    if wider is not None:
        ways.append(f"it needs {wider * service.pp} GPUs at least (tp: {wider})")
    else:
        ways.append(f"no number of GPUs in one node of pool {pool.name} is enough")
    if found.max_context_tokens:
        ways.append(
            f"the largest context that fits on {service.gpus_per_replica} is "
            f"{_number(found.max_context_tokens)} tokens"
        )
    else:
        ways.append(f"no context fits on {service.gpus_per_replica}")
    if service.concurrency > 1 and found.max_concurrency:
        ways.append(
            f"at {_number(service.context_tokens)} tokens the largest concurrency is "
            f"{found.max_concurrency}"
        )
    smaller = [
        dtype
        for dtype in service.model.checkpoints
        if dtype != (service.dtype or service.model.serve_dtype)
        and _fit(
            service.model_copy(update={"dtype": dtype}), pool, service.tp, service.context_tokens
        ).fits
    ]
    if smaller:
        ways.append(f"as {' or '.join(smaller)} it fits as it is")
    return _problem(
        service,
        "does-not-fit",
        "tp",
        got=f"{_gb(found.per_gpu_bytes)} GB on {_gpus(service)} "
        f"(weights {_gb(found.weights_bytes)}, KV cache {_gb(found.kv_bytes)}, "
        f"overhead {_gb(found.overhead_bytes)})",
        allowed=f"at most {_gb(found.budget_bytes)} GB: {service.gpu_memory_utilization:g} of the "
        f"{_gb(found.gpu_bytes)} GB of {pool.gpu.key}",
        remedy=_sentence("; ".join(ways)),
    )


def _pool_problems(pool: Pool, services: list[Service], used: int) -> Iterable[Problem]:
    asked = ", ".join(f"{service.name} {service.gpus}" for service in services)
    if used > pool.gpus:
        yield Problem(
            code="pool-too-small",
            subject="pool",
            name=pool.name,
            field="nodes",
            got=f"{used} GPUs asked for ({asked})",
            allowed=f"at most {pool.gpus} ({pool.nodes} nodes x {pool.gpus_per_node})",
            remedy=f"Give the pool {-(-used // pool.gpus_per_node)} nodes, or take replicas or "
            f"services worth {used - pool.gpus} GPUs away.",
        )
    elif not _packs(pool, services):
        yield Problem(
            code="pool-fragmented",
            subject="pool",
            name=pool.name,
            field="nodes",
            got=f"{used} GPUs asked for ({asked}), each replica whole on one node",
            allowed=f"what {pool.nodes} nodes of {pool.gpus_per_node} GPUs can hold without "
            "splitting a replica",
            remedy=f"Give the pool {pool.nodes + 1} nodes, or make replicas narrower.",
        )


def _packs(pool: Pool, services: list[Service]) -> bool:
    """Whether all replicas find a node, placing the widest first.

    A replica wider than a node is told of by its service, not here.
    """
    widths = sorted(
        (
            service.gpus_per_replica
            for service in services
            if service.gpus_per_replica <= pool.gpus_per_node
            for _ in range(service.replicas)
        ),
        reverse=True,
    )
    free = [pool.gpus_per_node] * pool.nodes
    for width in widths:
        # The fullest node that still has room: leaves the widest gaps for what comes.
        node = min(
            (i for i, gpus in enumerate(free) if gpus >= width), key=free.__getitem__, default=None
        )
        if node is None:
            return False
        free[node] -= width
    return True


def _unknown_pool(service: Service, pools: Iterable[str]) -> Problem:
    names = ", ".join(sorted(pools))
    return _problem(
        service,
        "unknown-pool",
        "pool",
        got=service.pool,
        allowed=names or "no pool is defined",
        remedy="Name one of these, or add the pool.",
    )


def _problem(
    service: Service, code: ProblemCode, field: str, *, got: str, allowed: str, remedy: str
) -> Problem:
    return Problem(
        code=code,
        subject="service",
        name=service.name,
        field=field,
        got=got,
        allowed=allowed,
        remedy=remedy,
    )


def _gpus(service: Service) -> str:
    count = service.gpus_per_replica
    return "its GPU" if count == 1 else f"each of its {count} GPUs"


def _nearest(cuts: list[int], tp: int) -> int:
    return min(cuts, key=lambda cut: (abs(cut - tp), -cut))


def _list(values: Iterable[int]) -> str:
    return ", ".join(str(value) for value in values)


def _number(value: int) -> str:
    return f"{value:,}".replace(",", " ")


def _gb(value: int) -> str:
    return f"{value / 1e9:.1f}"


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."
