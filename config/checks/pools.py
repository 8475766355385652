"""Checks within a GPU pool, and between a pool and its models."""

from collections.abc import Iterator

from base.problems import Problem
from catalog.cuda import least_demanding, needed_driver
from config.checks.operators import missing_operator
from config.node_labels import GPU_POOL, node_labels
from config.settings.models import ModelSettings
from config.settings.node_sources import ClusterApiNodes, KarpenterNodes
from config.settings.pools import GpuPoolSettings
from config.stack import StackConfig
from sizing.devices import equal_share
from sizing.mig import geometry_problems
from sizing.sharing import Mig, Mps, TimeSlicing

_PARTITIONS = (1, 2, 4, 8)
"""GPUs per virtual machine: the partitions into which NVIDIA's Fabric Manager divides a host with
eight GPUs and NVSwitches, so that the GPUs of one machine keep their NVLink."""


def usable_pools(config: StackConfig) -> dict[str, GpuPoolSettings]:
    """The pools whose devices can be counted: those with a MIG layout that the card supports."""
    return {name: pool for name, pool in config.pools.items() if not list(_geometry(name, pool))}


def usable_models(config: StackConfig) -> dict[str, ModelSettings]:
    """The models that can be placed: those with a MIG profile or share that their pool has."""
    broken = set(config.pools) - set(usable_pools(config))
    return {
        name: model
        for name, model in config.models.items()
        if model.pool not in broken
        and (model.pool not in config.pools or not list(_share(config, name, model)))
    }


def pool_problems(config: StackConfig) -> Iterator[Problem]:
    """Every problem with the pools of *config*, and with their models' devices and drivers."""
    for name, pool in config.pools.items():
        yield from _card(name, pool)
        yield from _geometry(name, pool)
        yield from _allocation(name, pool)
        yield from _nodes(name, pool)
        yield from _operators(config, name, pool)
        yield from _labels(config, name, pool)
    for name, model in config.models.items():
        if model.pool in config.pools:
            yield from _share(config, name, model)
            yield from _driver(config, name, model)


def _card(name: str, pool: GpuPoolSettings) -> Iterator[Problem]:
    spec = pool.spec
    if spec.vendor != "nvidia":
        yield Problem(
            f"pools.{name}.gpu",
            spec.key,
            "an NVIDIA GPU: the pools run NVIDIA's device plugin and exporter",
            "Name another GPU; this one is in the catalog for `pai size` only.",
        )
    elif spec.min_driver_branch is not None and pool.driver < spec.min_driver_branch:
        yield Problem(
            f"pools.{name}.driver",
            str(pool.driver),
            f"{spec.min_driver_branch} or newer, the first branch for {spec.key}",
            f"Install a newer driver on the nodes, and set driver: {spec.min_driver_branch} or"
            " more.",
        )


def _geometry(name: str, pool: GpuPoolSettings) -> Iterator[Problem]:
    if not isinstance(pool.sharing, Mig):
        return
    geometry = pool.sharing.geometry
    got = ", ".join(f"{profile}: {count}" for profile, count in geometry.items())
    profiles = ", ".join(f"{each.name} (up to {each.max_instances})" for each in pool.spec.mig)
    for problem in geometry_problems(pool.spec, geometry):
        yield Problem(
            f"pools.{name}.sharing.geometry",
            got,
            f"instances that fit on {pool.gpu} at once, of {profiles}"
            if profiles
            else "a GPU with MIG",
            problem.rstrip(".") + ".",
        )


def _allocation(name: str, pool: GpuPoolSettings) -> Iterator[Problem]:
    if pool.allocation != "dra":
        return
    if isinstance(pool.sharing, TimeSlicing | Mps):
        yield Problem(
            f"pools.{name}.allocation",
            f"dra, with sharing {pool.sharing.mode}",
            "exclusive or mig: NVIDIA's DRA driver allocates whole GPUs and MIG instances only",
            "Set allocation: device-plugin, or another sharing mode.",
        )
    elif isinstance(pool.sharing, Mig) and pool.operator == "none":
        yield Problem(
            f"pools.{name}.allocation",
            "dra, with sharing mig and operator none",
            "operator: already-there, whose MIG manager partitions the GPUs; without it the device"
            " plugin's pod does, which does not run with dra",
            "Set operator: already-there, or allocation: device-plugin.",
        )


def _nodes(name: str, pool: GpuPoolSettings) -> Iterator[Problem]:
    source = pool.nodes_from
    if isinstance(source, ClusterApiNodes) and pool.gpus_per_node not in _PARTITIONS:
        yield Problem(
            f"pools.{name}.gpus_per_node",
            str(pool.gpus_per_node),
            f"{', '.join(map(str, _PARTITIONS))}: the partitions of a host with eight GPUs",
            "Choose one of these, and an OpenNebula template that passes through as many GPUs.",
        )
    if isinstance(source, KarpenterNodes) and pool.sharing.mode != "exclusive":
        yield Problem(
            f"pools.{name}.sharing.mode",
            f"{pool.sharing.mode}, with nodes_from karpenter",
            "exclusive: Karpenter creates nodes for the resources of a machine type, which are"
            f" whole GPUs, and none for {pool.devices[0].resource}"
            if not list(_geometry(name, pool))
            else "exclusive: Karpenter creates nodes for whole GPUs, and none for shares of GPUs",
            "Set sharing: {mode: exclusive}, or nodes_from: {kind: existing}.",
        )


def _operators(config: StackConfig, name: str, pool: GpuPoolSettings) -> Iterator[Problem]:
    if pool.operator == "already-there":
        yield from missing_operator(config, "gpu-operator", f"pools.{name}.operator")
    if pool.nodes_from.kind != "existing":
        yield from missing_operator(config, pool.nodes_from.kind, f"pools.{name}.nodes_from.kind")


def _labels(config: StackConfig, name: str, pool: GpuPoolSettings) -> Iterator[Problem]:
    """Existing machines must have their labels already: the stack does not change nodes."""
    if pool.nodes_from.kind != "existing":
        return
    wanted = {key: v for key, v in node_labels(name, pool).items() if key != GPU_POOL}
    for group in config.cluster.nodes:
        if group.pool == name and not wanted.items() <= group.labels.items():
            stated = ", ".join(f"{key}: {value}" for key, value in group.labels.items())
            command = " ".join(f"{key}={value}" for key, value in wanted.items())
            yield Problem(
                "cluster.nodes",
                f"labels of pool {name}: {stated or 'none'}",
                "the labels by which the GPU operator selects this pool's configuration",
                f"Run `kubectl label nodes -l {GPU_POOL}={name} {command}`, and add these labels to"
                " cluster.nodes.",
            )


def _share(config: StackConfig, name: str, model: ModelSettings) -> Iterator[Problem]:
    """Problems with a model's MPS share or MIG profile."""
    sharing, path = config.pools[model.pool].sharing, f"models.{name}"
    if model.gpu_share is not None:
        if not isinstance(sharing, Mps):
            yield Problem(
                f"{path}.gpu_share",
                f"{model.gpu_share:g}, on pool {model.pool} ({sharing.mode})",
                "nothing, unless the pool shares its GPUs by MPS: only MPS enforces a share",
                "Remove it, or set sharing: {mode: mps, clients: 2} for the pool.",
            )
        elif model.gpu_share > equal_share(sharing):
            yield Problem(
                f"{path}.gpu_share",
                f"{model.gpu_share:g}",
                f"at most {equal_share(sharing):g}, the equal share of {sharing.clients} clients:"
                " an MPS client can take less, never more",
                f"Set it to {equal_share(sharing):g} or less, or give pool {model.pool} fewer"
                " clients.",
            )
    profiles = sorted(sharing.geometry) if isinstance(sharing, Mig) else []
    if model.mig_profile is not None and model.mig_profile not in profiles:
        yield Problem(
            f"{path}.mig_profile",
            model.mig_profile,
            ", ".join(profiles) or f"nothing: pool {model.pool} is {sharing.mode}",
            "Name one of these."
            if profiles
            else "Remove it, or name a pool with sharing mode mig.",
        )
    elif model.mig_profile is None and len(profiles) > 1:
        yield Problem(
            f"{path}.mig_profile",
            "nothing",
            f"one of {', '.join(profiles)}: pool {model.pool} has several MIG profiles",
            f"Add {path}.mig_profile.",
        )


def _driver(config: StackConfig, name: str, model: ModelSettings) -> Iterator[Problem]:
    """An engine with a CUDA newer than the driver supports fails at start, or runs on the CPU."""
    pool, spec = config.pools[model.pool], least_demanding(model.engine)
    if spec and pool.driver < (needed := needed_driver(spec)):
        yield Problem(
            f"pools.{model.pool}.driver",
            str(pool.driver),
            f"{needed} or newer, for models.{name}: {model.engine} {spec.tag} is built with CUDA"
            f" {spec.cuda}",
            f"Install a driver of branch {needed} or newer on the nodes and set driver to it, or"
            " choose an engine with an older CUDA.",
        )
