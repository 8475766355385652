"""Checks of replicas, autoscaling, and servers that span nodes."""

from collections.abc import Iterator

from base.problems import Problem
from config.checks.operators import missing_operator
from config.settings.models import ModelSettings
from config.settings.pools import GpuPoolSettings
from config.stack import StackConfig


def scaling_problems(config: StackConfig) -> Iterator[Problem]:
    """Every problem with the number of servers, and with servers that span nodes."""
    for name, model in config.models.items():
        path = f"models.{name}"
        if model.autoscaling:
            yield from missing_operator(config, "keda", f"{path}.autoscaling", "KEDA scales it")
            if "replicas" in model.model_fields_set:
                yield Problem(
                    f"{path}.replicas",
                    f"{model.replicas}, with autoscaling",
                    "one of the two: KEDA sets the number of servers",
                    "Remove replicas or autoscaling.",
                )
        pool = config.pools.get(model.pool)
        if pool is None:
            continue  # reported by sizing
        hosts = model.hosts(pool.gpus_per_node)
        if hosts > 1:
            yield from missing_operator(
                config,
                "leader-worker-set",
                f"{path}.tensor_parallel",
                f"each server spans {hosts} nodes of pool {model.pool}",
            )
            yield from _spans(path, model, pool, hosts)
        if model.vllm.rdma and hosts == 1 and not model.vllm.prefill_replicas:
            yield Problem(
                f"{path}.vllm.rdma",
                "set, while each server runs on one node",
                "a server that spans nodes, or prefill_replicas: nothing else uses the cards",
                "Remove it.",
            )


def _spans(path: str, model: ModelSettings, pool: GpuPoolSettings, hosts: int) -> Iterator[Problem]:
    """A server over several nodes takes all their GPUs, and splits no layer between them."""
    got = (
        f"{model.gpus} GPUs per server (tensor_parallel {model.tensor_parallel} x"
        f" pipeline_parallel {model.pipeline_parallel}), over {hosts} nodes"
    )
    if model.vllm.data_parallel > 1:
        yield Problem(
            f"{path}.vllm.data_parallel",
            f"{model.vllm.data_parallel}, with {got}",
            f"at most {pool.gpus_per_node} GPUs per server: data_parallel stays on one node",
            "Lower tensor_parallel, pipeline_parallel or data_parallel.",
        )
        return
    if model.gpus % pool.gpus_per_node:
        yield Problem(
            f"{path}.pipeline_parallel",
            got,
            f"a multiple of {pool.gpus_per_node}, the GPUs of one node of pool {model.pool}: each"
            " node holds an equal part",
            f"Make tensor_parallel x pipeline_parallel {hosts * pool.gpus_per_node}.",
        )
    elif pool.gpus_per_node % model.tensor_parallel:
        yield Problem(
            f"{path}.tensor_parallel",
            got,
            f"a divisor of {pool.gpus_per_node}, the GPUs of one node of pool {model.pool}: nodes"
            " divide the layers (pipeline_parallel), never a single layer",
            f"Set tensor_parallel: {pool.gpus_per_node} and pipeline_parallel: {hosts}.",
        )
    if model.vllm.prefill_replicas:
        yield Problem(
            f"{path}.vllm.prefill_replicas",
            f"{model.vllm.prefill_replicas}, with {got}",
            "servers on one node each: servers that span nodes cannot transfer KV cache",
            "Set prefill_replicas: 0, or lower tensor_parallel.",
        )
