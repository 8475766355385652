"""Advice where GPUs are nearly empty: the same models on shared GPUs would leave others free."""

from collections.abc import Iterator, Mapping
from typing import Final

from base.problems import Problem
from config.checks.stack import capacity, cross_checks
from config.settings.models import ModelSettings
from config.stack import StackConfig
from sizing.devices import max_utilization
from sizing.sharing import MAX_CLIENTS, Mps, TimeSlicing

QUIET: Final = 0.25
"""Share of a GPU's memory up to which a model that has it alone leaves it nearly empty; an
assumption. It says nothing of the processors, of which only the load tells."""


def idle(config: StackConfig) -> Iterator[Problem]:
    """Every pool whose models would do with fewer GPUs, for a *config* without problems.

    Only where all of a pool's models are small: its GPUs are shared all alike, or none.
    """
    needed = {
        each.name: each.fit.per_gpu_bytes / each.fit.gpu_bytes for each in capacity(config).services
    }
    for pool, settings in config.pools.items():
        models = {name: m for name, m in config.models.items() if m.pool == pool}
        most = max((needed[name] for name in models), default=1.0)
        if settings.sharing.mode != "exclusive" or most > QUIET:
            continue
        held = sum(model.max_replicas * model.gpus for model in models.values())
        if found := _shared(config, pool, models, most):
            sharing, share, gpus = found
            yield Problem(
                f"pools.{pool}.sharing",
                f"exclusive: {held} GPUs, of whose memory their models need at most {most:.0%} each"
                f" ({', '.join(models)})",
                f"{{mode: {sharing.mode}, clients: {sharing.clients}}}: as many servers on {gpus},"
                f" which frees {held - gpus} for other models",
                f"Set it, and gpu_memory_utilization: {share:g} of these models; or leave each its"
                " own for its speed, or so that the loss of one GPU stops one server.",
            )


def _shared(
    config: StackConfig, pool: str, models: Mapping[str, ModelSettings], most: float
) -> tuple[Mps | TimeSlicing, float, int] | None:
    """The sharing that takes the fewest GPUs, the share of each client, and those GPUs.

    *most* is the share of a GPU that the largest of *models* needs. None where no sharing that is
    accepted takes fewer.
    """
    if any(model.gpus > 1 for model in models.values()):
        return None
    servers = sum(model.max_replicas for model in models.values())
    memory = config.pools[pool].spec.memory_bytes
    for clients in dict.fromkeys(-(-servers // gpus) for gpus in range(1, servers)):
        share = max_utilization(memory, 1 / clients)
        if clients > MAX_CLIENTS or share < most:
            continue
        for sharing in (
            Mps(mode="mps", clients=clients),
            TimeSlicing(mode="time-slicing", clients=clients),
        ):
            if not cross_checks(_changed(config, pool, models, sharing, share)):
                return sharing, share, -(-servers // clients)
    return None


def _changed(
    config: StackConfig,
    pool: str,
    models: Mapping[str, ModelSettings],
    sharing: Mps | TimeSlicing,
    share: float,
) -> StackConfig:
    pools = {pool: config.pools[pool].model_copy(update={"sharing": sharing})}
    narrowed = {
        name: model.model_copy(update={"gpu_memory_utilization": share})
        for name, model in models.items()
    }
    return config.model_copy(
        update={"pools": config.pools | pools, "models": config.models | narrowed}
    )
