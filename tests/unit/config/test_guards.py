"""What a person reads when a guard refuses: the whole message, word for word."""

import copy
from typing import Any, NamedTuple

import pytest
import yaml

from base.problems import ConfigError
from config.checks.advice import advice
from config.load import load
from config.reference import KEY
from tests.paths import ROOT

_PROD = yaml.safe_load((ROOT / "Pulumi.prod.yaml").read_text())["config"][KEY]


class Guard(NamedTuple):
    """A change of prod (dotted path: value), and one of the messages that it brings."""

    changes: dict[str, Any]
    message: str


REFUSED = {
    "weights and cache exceed the GPU": Guard(
        {"models.chat.dtype": "bf16", "models.chat.tensor_parallel": 1},
        "models.chat.tensor_parallel\n"
        "    got:      325.3 GB on its GPU (weights 141.1, KV cache 171.8, overhead 12.3)\n"
        "    allowed:  at most 135.7 GB: 0.9 of the 150.8 GB of h200-141gb\n"
        "    change:   It needs at least 4 GPUs (tensor_parallel: 4); on 1 no context fits.",
    ),
    "tensor parallelism does not divide the heads": Guard(
        {"models.chat.tensor_parallel": 3, "models.chat.replicas": 1},
        "models.chat.tensor_parallel\n"
        "    got:      3\n"
        "    allowed:  1, 2, 4, 8: sizes that divide 64 attention heads and suit 8 KV heads\n"
        "    change:   Set it to 4.",
    ),
    "layers are cut across nodes": Guard(
        {
            "models.chat.tensor_parallel": 16,
            "models.chat.replicas": 1,
            "pools.h200.nodes": 3,
            "cluster.operators": ["minio", "cloudnative-pg", "leader-worker-set"],
        },
        "models.chat.tensor_parallel\n"
        "    got:      16 GPUs per server (tensor_parallel 16 x pipeline_parallel 1), over 2 "
        "nodes\n"
        "    allowed:  a divisor of 8, the GPUs of one node of pool h200: nodes divide "
        "the layers (pipeline_parallel), never a single layer\n"
        "    change:   Set tensor_parallel: 8 and pipeline_parallel: 2.",
    ),
    "the context is longer than the model knows": Guard(
        {"models.embeddings.context_tokens": 9000},
        "models.embeddings.context_tokens\n"
        "    got:      9 000\n"
        "    allowed:  at most 8 192 tokens, the context length of bge-m3\n"
        "    change:   Set it to 8192 or less.",
    ),
    "the pool has too few GPUs": Guard(
        {"models.chat.replicas": 3},
        "pools.h200.nodes\n"
        "    got:      10 GPUs requested (chat 6, reasoning 2, code 2)\n"
        "    allowed:  at most 8 (1 nodes x 8)\n"
        "    change:   Set nodes to 2, or remove replicas or models that take 2 GPUs.",
    ),
    "the driver is older than the image's CUDA": Guard(
        {"pools.h200.driver": 470},
        "pools.h200.driver\n"
        "    got:      470\n"
        "    allowed:  525 or newer, for models.chat: vllm v0.33.0-cu129 is built with CUDA 12.9\n"
        "    change:   Install a driver of branch 525 or newer on the nodes and set driver to it, "
        "or choose an engine with an older CUDA.",
    ),
    "the engine takes more of a card in turns than its part": Guard(
        {
            "pools.l40s.sharing": {"mode": "time-slicing", "clients": 4},
            "models.reranker.gpu_memory_utilization": 0.2,
        },
        "models.embeddings.gpu_memory_utilization\n"
        "    got:      0.9 of 48.3 GB\n"
        "    allowed:  at most 0.23: 1/4 of l40s-48gb, which 4 pods share (time-slicing), "
        "less 0.5 GiB for each pod's CUDA context; the engine sees the whole card\n"
        "    change:   Set it to 0.23 or less, or give pool l40s fewer clients.",
    ),
    "a client of MPS asks for more than its part": Guard(
        {
            "pools.l40s.sharing": {"mode": "mps", "clients": 2},
            "models.embeddings.gpu_share": 0.6,
            "models.reranker.gpu_memory_utilization": 0.4,
        },
        "models.embeddings.gpu_share\n"
        "    got:      0.6\n"
        "    allowed:  at most 0.5, the equal share of 2 clients: an MPS client "
        "can take less, never more\n"
        "    change:   Set it to 0.5 or less, or give pool l40s fewer clients.",
    ),
    "the card has no MIG": Guard(
        {"pools.l40s.sharing": {"mode": "mig", "geometry": {"1g.10gb": 7}}},
        "pools.l40s.sharing.geometry\n"
        "    got:      1g.10gb: 7\n"
        "    allowed:  a GPU with MIG\n"
        "    change:   l40s-48gb does not support MIG. Use time-slicing or MPS.",
    ),
    "the card does not hold the geometry": Guard(
        {"pools.h200.sharing": {"mode": "mig", "geometry": {"1g.18gb": 8}}},
        "pools.h200.sharing.geometry\n"
        "    got:      1g.18gb: 8\n"
        "    allowed:  instances that fit on h200-141gb at once, of 1g.18gb (up to 7), 1g.35gb"
        " (up to 4), 2g.35gb (up to 3), 3g.71gb (up to 2), 4g.71gb (up to 1), 7g.141gb (up to"
        " 1)\n"
        "    change:   1g.18gb: 8 is too many; at most 7 fit.",
    ),
    "parts of GPUs are to work on one layer": Guard(
        {"pools.h200.sharing": {"mode": "mig", "geometry": {"3g.71gb": 2}}},
        "models.chat.tensor_parallel\n"
        "    got:      2 GPU shares per replica (tensor_parallel 2 x pipeline_parallel 1)\n"
        "    allowed:  1, as GPUs of pool h200 are shared (mig): tensor parallelism "
        "needs NCCL between whole GPUs\n"
        "    change:   Set it to 1, or name a pool with sharing: {mode: exclusive}.",
    ),
    "a collection has fewer copies than the cluster promises": Guard(
        {"qdrant.collections": {"papers": {"replication_factor": 1}}},
        "qdrant.collections.papers.replication_factor\n"
        "    got:      1\n"
        "    allowed:  at least 2: a cluster of 3 survives the loss of one member, and so must its"
        " collections\n"
        "    change:   Set it to 2, or leave it out.",
    ),
    "a collection has more copies than there are members": Guard(
        {"qdrant.nodes": 1, "qdrant.collections": {"papers": {"replication_factor": 2}}},
        "qdrant.collections.papers.replication_factor\n"
        "    got:      2\n"
        "    allowed:  at most 1, the members that there are (qdrant.nodes)\n"
        "    change:   Set it to 1, or leave it out.",
    ),
    "nothing holds a request at zero servers": Guard(
        {"models.chat.autoscaling": {"min": 0, "max": 4}},
        "models.chat.autoscaling.min\n"
        "    got:      0\n"
        "    allowed:  at least 1: with no replica no vLLM reports requests, and nothing in this"
        " stack queues a request until one is ready\n"
        "    change:   Correct models.chat.autoscaling.min.",
    ),
}

ADVISED = {
    "tensor parallelism has no NVLink to run on": Guard(
        {
            "models.code.pool": "l40s",
            "models.code.replicas": 1,
            "models.code.tensor_parallel": 4,
            "models.code.concurrency": 1,
            "models.code.context_tokens": 8192,
            "models.embeddings.pool": "h200",
            "models.reranker.pool": "h200",
            "models.chat.replicas": 1,
        },
        "models.code.tensor_parallel\n"
        "    got:      4, on l40s-48gb, whose GPUs have no NVLink\n"
        "    allowed:  1, with pipeline_parallel for a model that does not fit one GPU: over PCIe "
        "the exchange after each layer takes longer than the layer\n"
        "    change:   Set tensor_parallel: 1 and pipeline_parallel: 4, or measure both.",
    ),
    "the storage is too slow for the weights": Guard(
        {"model_store.read_rate": "30M"},
        "models.chat\n"
        "    got:      2723 s to load 73 GB at 30 MB/s and start\n"
        "    allowed:  at most 1800 s: the server is unavailable for that long after every "
        "restart\n"
        "    change:   Put the weights on faster storage and raise model_store.read_rate, or "
        "quantize them.",
    ),
}


def changed(changes: dict[str, Any]) -> dict[str, Any]:
    """Prod with *changes* made to it."""
    raw = copy.deepcopy(_PROD)
    for path, value in changes.items():
        *parents, last = path.split(".")
        node = raw
        for key in parents:
            node = node.setdefault(key, {})
        node[last] = value
    return raw


@pytest.mark.parametrize("guard", REFUSED.values(), ids=REFUSED)
def test_a_preview_is_refused_when(guard: Guard) -> None:
    with pytest.raises(ConfigError) as refused:
        load(changed(guard.changes), "prod")

    assert guard.message in [str(problem) for problem in refused.value.problems]


@pytest.mark.parametrize("guard", ADVISED.values(), ids=ADVISED)
def test_a_preview_warns_when(guard: Guard) -> None:
    assert guard.message in [str(each) for each in advice(load(changed(guard.changes), "prod"))]


@pytest.mark.parametrize("stack", ["local", "staging", "prod"])
def test_nothing_is_advised_about_the_stacks_of_the_project(stack: str) -> None:
    file = ROOT / f"Pulumi.{stack}.yaml"
    config = load(yaml.safe_load(file.read_text())["config"][KEY], stack)

    assert advice(config) == []
