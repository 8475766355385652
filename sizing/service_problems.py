"""The problems of one model service on its pool."""

from collections.abc import Iterable

from base.problems import Problem
from base.units import GB
from sizing.memory import Fit, tensor_parallel_sizes
from sizing.pools import CapacityProblem, Pool, ProblemCode, Service


def unknown_pool(service: Service, pools: Iterable[str]) -> CapacityProblem:
    """The service names a pool that does not exist."""
    names = ", ".join(sorted(pools))
    return _problem(
        service,
        "unknown-pool",
        "pool",
        got=service.pool,
        allowed=names or "no pool is defined",
        change="Name one of these, or add the pool.",
    )


def service_problems(service: Service, pool: Pool, found: Fit) -> Iterable[CapacityProblem]:
    """The first problem of one service; later checks assume that the earlier ones passed."""
    arch = service.model.architecture
    device = service.device(pool)
    sizes = tensor_parallel_sizes(arch, max(1, device.per_pod // service.pipeline_parallel))
    wide = f"{service.gpus_per_replica} {pool.noun} per replica ({_parallelism(service)})"
    if service.tensor_parallel not in tensor_parallel_sizes(arch, service.tensor_parallel):
        yield _problem(
            service,
            "heads-not-divisible",
            "tensor_parallel",
            got=str(service.tensor_parallel),
            allowed=f"{_list(sizes)}: sizes that divide {arch.heads} attention heads and suit "
            f"{arch.kv_heads} KV heads"
            if arch
            else "1: speech and image models run on one GPU",
            change=f"Set it to {_nearest(sizes, service.tensor_parallel)}.",
        )
        return
    if device.per_pod == 1 < service.gpus_per_replica and pool.sharing.mode != "exclusive":
        yield _problem(
            service,
            "parts-not-joined",
            "tensor_parallel",
            got=wide,
            allowed=f"1, as GPUs of pool {pool.name} are shared ({pool.sharing.mode}): tensor "
            "parallelism needs NCCL between whole GPUs",
            change="Set it to 1, or name a pool with sharing: {mode: exclusive}.",
        )
        return
    if service.gpus_per_replica > pool.gpus:
        yield _problem(
            service,
            "replica-too-wide",
            "tensor_parallel",
            got=wide,
            allowed=f"at most {pool.gpus}, the GPUs of pool {pool.name} ({pool.nodes} nodes x "
            f"{pool.gpus_per_node})",
            change="Lower tensor_parallel or pipeline_parallel, or name a pool with more or larger "
            "nodes.",
        )
        return
    if arch and service.context_tokens > arch.max_context:
        yield _problem(
            service,
            "context-too-long",
            "context_tokens",
            got=_number(service.context_tokens),
            allowed=f"at most {_number(arch.max_context)} tokens, the context length of "
            f"{service.model.key}",
            change=f"Set it to {arch.max_context} or less.",
        )
        return
    if service.gpu_memory_utilization > device.max_utilization:
        yield _too_much_of_a_card(service, pool)
        return
    if not found.fits:
        yield _does_not_fit(service, pool, found, sizes)


def _too_much_of_a_card(service: Service, pool: Pool) -> CapacityProblem:
    """More than its share of the card, which MPS enforces and time-slicing leaves to the engine."""
    device, sharing = service.device(pool), pool.sharing
    clients = getattr(sharing, "clients", 1)
    part = f"{service.gpu_share:g}" if service.gpu_share else f"1/{clients}"
    return _problem(
        service,
        "utilization-too-high",
        "gpu_memory_utilization",
        got=f"{service.gpu_memory_utilization:g} of {_gb(device.visible_bytes)} GB",
        allowed=f"at most {device.max_utilization:g}: {part} of {pool.gpu.key}, which {clients} "
        f"pods share ({sharing.mode}), less 0.5 GiB for each pod's CUDA context; the engine sees "
        "the whole card",
        change=f"Set it to {device.max_utilization:g} or less, or give pool {pool.name} fewer "
        "clients.",
    )


def _does_not_fit(service: Service, pool: Pool, found: Fit, sizes: list[int]) -> CapacityProblem:
    larger = (size for size in sizes if size > service.tensor_parallel)
    wider = next((size for size in larger if service.fit(pool, size).fits), None)
    own = service.dtype or service.model.serve_dtype
    whole = pool.sharing.mode == "exclusive"
    ways: list[str] = []
    if wider is not None:
        gpus = wider * service.pipeline_parallel * service.data_parallel
        ways.append(f"it needs at least {gpus} GPUs (tensor_parallel: {wider})")
    elif whole:
        ways.append(f"no number of GPUs in one node of pool {pool.name} is enough")
    else:
        ways.append(f"a GPU share of pool {pool.name} is not enough")
    if found.max_context_tokens:
        ways.append(
            f"on {service.gpus_per_replica} the longest context that fits is "
            f"{_number(found.max_context_tokens)} tokens"
        )
    else:
        ways.append(f"on {service.gpus_per_replica} no context fits")
    if service.concurrency > 1 and found.max_concurrency:
        ways.append(
            f"at {_number(service.context_tokens)} tokens the largest concurrency is "
            f"{found.max_concurrency}"
        )
    smaller = [
        dtype
        for dtype in service.model.checkpoints
        if dtype != own and service.fit(pool, dtype=dtype).fits
    ]
    if smaller:
        ways.append(f"with dtype {' or '.join(smaller)} it fits unchanged")
    profile = service.device(pool).profile
    return _problem(
        service,
        "does-not-fit",
        "tensor_parallel",
        got=f"{_gb(found.per_gpu_bytes)} GB on {_gpus(service)} "
        f"(weights {_gb(found.weights_bytes)}, KV cache {_gb(found.kv_bytes)}, "
        f"overhead {_gb(found.overhead_bytes)})",
        allowed=f"at most {_gb(found.budget_bytes)} GB: {service.gpu_memory_utilization:g} of the "
        f"{_gb(found.gpu_bytes)} GB of {f'{profile} of ' if profile else ''}{pool.gpu.key}",
        change=_sentence("; ".join(ways)),
    )


def _problem(
    service: Service, code: ProblemCode, field: str, *, got: str, allowed: str, change: str
) -> CapacityProblem:
    return CapacityProblem(
        code=code, problem=Problem(f"models.{service.name}.{field}", got, allowed, change)
    )


def _parallelism(service: Service) -> str:
    data = f" x data_parallel {service.data_parallel}" if service.data_parallel > 1 else ""
    return (
        f"tensor_parallel {service.tensor_parallel} x pipeline_parallel"
        f" {service.pipeline_parallel}{data}"
    )


def _gpus(service: Service) -> str:
    count = service.gpus_per_replica
    return "its GPU" if count == 1 else f"each of its {count} GPUs"


def _nearest(sizes: list[int], asked: int) -> int:
    return min(sizes, key=lambda size: (abs(size - asked), -size))


def _list(values: Iterable[int]) -> str:
    return ", ".join(str(value) for value in values)


def _number(value: int) -> str:
    return f"{value:,}".replace(",", " ")


def _gb(value: int) -> str:
    return f"{value / GB:.1f}"


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."
