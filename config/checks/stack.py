"""Checks between the parts of a stack."""

from collections.abc import Iterable, Iterator

from base.problems import Problem
from config.checks.data import replication_problems
from config.checks.engines import engine_problems
from config.checks.names import name_problems
from config.checks.namespaces import namespace_problems
from config.checks.nodes import node_problems
from config.checks.pools import pool_problems, usable_models, usable_pools
from config.checks.scaling import scaling_problems
from config.checks.seats import seat_problems
from config.checks.stores import store_problems
from config.checks.vllm import vllm_problems
from config.settings.models import TokenModelSettings
from config.stack import StackConfig
from sizing import capacity as sizing
from sizing.capacity import Capacity, Pool, Service


def capacity(config: StackConfig) -> Capacity:
    """The load of the pools, the headroom of each model, and the models that do not fit.

    Pools with an impossible MIG layout and models with an unknown MIG profile are left out:
    `config.checks.pools` reports those.
    """
    pools = [
        Pool(
            name=name,
            gpu=pool.spec,
            nodes=pool.nodes,
            gpus_per_node=pool.gpus_per_node,
            sharing=pool.sharing,
        )
        for name, pool in usable_pools(config).items()
    ]
    services = [
        Service(
            name=name,
            model=model.served_spec,
            pool=model.pool,
            dtype=model.loaded_dtype,
            kv_dtype=model.kv_cache_dtype,
            tensor_parallel=model.tensor_parallel,
            pipeline_parallel=model.pipeline_parallel,
            data_parallel=model.vllm.data_parallel,
            expert_parallel=model.vllm.expert_parallel,
            replicas=model.max_replicas,
            context_tokens=model.context_tokens if isinstance(model, TokenModelSettings) else 1,
            concurrency=model.concurrency,
            gpu_memory_utilization=model.gpu_memory_utilization,
            extra_bytes=model.extra_bytes,
            mig_profile=model.mig_profile,
            gpu_share=model.gpu_share,
        )
        for name, model in usable_models(config).items()
    ]
    return sizing.capacity(pools, services)


def cross_checks(config: StackConfig) -> list[Problem]:
    """Every problem between parts of *config*."""
    return [
        *pool_problems(config),
        *(found.problem for found in capacity(config).problems),
        *engine_problems(config),
        *scaling_problems(config),
        *vllm_problems(config),
        *replication_problems(config),
        *_hosts_differ(config),
        *name_problems(config),
        *_team_models_exist(config),
        *_chat_models_exist(config),
        *namespace_problems(config),
        *store_problems(config),
        *_storage_classes_exist(config),
        *_operators_are_installed(config),
        *node_problems(config),
        *seat_problems(config),
    ]


def _hosts_differ(config: StackConfig) -> Iterator[Problem]:
    first: dict[str, str] = {}
    for name, host in config.hosts.model_dump().items():
        if host in first:
            yield Problem(
                f"hosts.{name}",
                host,
                f"a host name of its own; hosts.{first[host]} has this one",
                f"Change hosts.{name} or hosts.{first[host]}.",
            )
        first.setdefault(host, name)


def _team_models_exist(config: StackConfig) -> Iterator[Problem]:
    for team, settings in config.teams.items():
        for model in settings.models:
            if model not in config.served_names:
                yield Problem(
                    f"teams.{team}.models", model, _list(config.served_names), "Name one of these."
                )


def _chat_models_exist(config: StackConfig) -> Iterator[Problem]:
    if not config.models_for("embed"):
        yield Problem(
            "models",
            _list(config.models),
            "at least one embedding model, which the chat uses for documents",
            "Add one, such as bge-m3.",
        )
    chats = config.models_for("chat")
    if config.open_webui.default_model not in chats:
        yield Problem(
            "open_webui.default_model",
            config.open_webui.default_model,
            _list(chats) or "a chat model; there is none",
            "Name one of these.",
        )


def _storage_classes_exist(config: StackConfig) -> Iterator[Problem]:
    offered = [entry.name for entry in config.cluster.storage_classes]
    for field in ("storage_class", "shared_storage_class"):
        name = getattr(config.platform, field)
        if name not in offered:
            yield Problem(
                f"platform.{field}",
                name,
                _list(offered),
                "Name one of these, or add it to cluster.storage_classes.",
            )


def _operators_are_installed(config: StackConfig) -> Iterator[Problem]:
    needed = {"minio": "object storage", "cloudnative-pg": "the databases"}
    for operator, purpose in needed.items():
        if operator not in config.cluster.operators:
            yield Problem(
                "cluster.operators",
                _list(config.cluster.operators) or "none",
                f"at least {_list(needed)}: {operator} runs {purpose}",
                f"Install it on the cluster and add {operator}.",
            )


def _list(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
