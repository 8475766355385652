"""What is wrong with one model service on its pool."""

from collections.abc import Iterable

from sizing.memory import Fit, tensor_parallel_sizes
from sizing.pools import Pool, Problem, ProblemCode, Service


def unknown_pool(service: Service, pools: Iterable[str]) -> Problem:
    """It names a pool that there is not."""
    names = ", ".join(sorted(pools))
    return _problem(
        service,
        "unknown-pool",
        "pool",
        got=service.pool,
        allowed=names or "no pool is defined",
        change="Name one of these, or add the pool.",
    )


def service_problems(service: Service, pool: Pool, found: Fit) -> Iterable[Problem]:
    """What is wrong with one service by itself; the first that makes the rest meaningless ends."""
    arch = service.model.architecture
    device = service.device(pool)
    cuts = tensor_parallel_sizes(arch, max(1, device.per_pod // service.pp))
    wide = f"{service.gpus_per_replica} {pool.noun} per replica ({_cut(service)})"
    if service.tp not in tensor_parallel_sizes(arch, service.tp):
        yield _problem(
            service,
            "heads-not-divisible",
            "tp",
            got=str(service.tp),
            allowed=f"{_list(cuts)}: what divides {arch.heads} attention heads and suits "
            f"{arch.kv_heads} KV heads"
            if arch
            else "1: speech and images run on one GPU",
            change=f"Set it to {_nearest(cuts, service.tp)}.",
        )
        return
    if device.per_pod == 1 < service.gpus_per_replica and pool.sharing.mode != "exclusive":
        yield _problem(
            service,
            "parts-not-joined",
            "tp",
            got=wide,
            allowed=f"1, as GPUs of pool {pool.name} are shared ({pool.sharing.mode}): GPUs that "
            "work on one layer exchange it all the time, which parts of GPUs cannot",
            change="Set it to 1, or name a pool of whole GPUs.",
        )
        return
    if service.gpus_per_replica > pool.gpus:
        yield _problem(
            service,
            "replica-too-wide",
            "tp",
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
            allowed=f"at most {_number(arch.max_context)} tokens, what {service.model.key} knows",
            change=f"Set it to {arch.max_context} or less.",
        )
        return
    if service.gpu_memory_utilization > device.max_utilization:
        yield _too_much_of_a_card(service, pool)
        return
    if not found.fits:
        yield _does_not_fit(service, pool, found, cuts)


def _too_much_of_a_card(service: Service, pool: Pool) -> Problem:
    """More than its part, which nothing but the engine's own restraint divides, or MPS enforces."""
    device, sharing = service.device(pool), pool.sharing
    clients = getattr(sharing, "clients", 1)
    part = f"{service.gpu_share:g}" if service.gpu_share else f"1/{clients}"
    return _problem(
        service,
        "utilization-too-high",
        "gpu_memory_utilization",
        got=f"{service.gpu_memory_utilization:g} of {_gb(device.visible_bytes)} GB",
        allowed=f"at most {device.max_utilization:g}: {part} of {pool.gpu.key}, which {clients} "
        f"pods share ({sharing.mode}), less 0.5 GiB for a pod's own CUDA context; the engine sees "
        "the whole card",
        change=f"Set it to {device.max_utilization:g} or less, or give pool {pool.name} fewer "
        "clients.",
    )


def _does_not_fit(service: Service, pool: Pool, found: Fit, cuts: list[int]) -> Problem:
    wider = next((tp for tp in cuts if tp > service.tp and service.fit(pool, tp).fits), None)
    own = service.dtype or service.model.serve_dtype
    whole = pool.sharing.mode == "exclusive"
    ways: list[str] = []
    if wider is not None:
        ways.append(
            f"it needs {wider * service.pp * service.dp} GPUs at least (tensor_parallel: {wider})"
        )
    elif whole:
        ways.append(f"no number of GPUs in one node of pool {pool.name} is enough")
    else:
        ways.append(f"a part of a GPU of pool {pool.name} is not enough")
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
        if dtype != own and service.fit(pool, dtype=dtype).fits
    ]
    if smaller:
        ways.append(f"as {' or '.join(smaller)} it fits as it is")
    profile = service.device(pool).profile
    return _problem(
        service,
        "does-not-fit",
        "tp",
        got=f"{_gb(found.per_gpu_bytes)} GB on {_gpus(service)} "
        f"(weights {_gb(found.weights_bytes)}, KV cache {_gb(found.kv_bytes)}, "
        f"overhead {_gb(found.overhead_bytes)})",
        allowed=f"at most {_gb(found.budget_bytes)} GB: {service.gpu_memory_utilization:g} of the "
        f"{_gb(found.gpu_bytes)} GB of {f'{profile} of ' if profile else ''}{pool.gpu.key}",
        change=_sentence("; ".join(ways)),
    )


def _problem(
    service: Service, code: ProblemCode, field: str, *, got: str, allowed: str, change: str
) -> Problem:
    return Problem(
        code=code,
        subject="service",
        name=service.name,
        field=field,
        got=got,
        allowed=allowed,
        change=change,
    )


def _cut(service: Service) -> str:
    data = f" x data_parallel {service.dp}" if service.dp > 1 else ""
    return f"tensor_parallel {service.tp} x pipeline_parallel {service.pp}{data}"


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
