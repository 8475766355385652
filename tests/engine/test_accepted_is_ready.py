"""Whatever the configuration accepts, `up` brings to Ready: pools and models at random.

The engine, the providers, the policies and the scheduler are real; of the stack, the platform, the
pools and the models are deployed, which is where configurations differ.
"""

import copy
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

from base.problems import ConfigError
from config.load import load
from config.reference import KEY
from tests.engine.checkout import Checkout, checkout
from tests.engine.sim_support import is_ready
from toolchain.environment import PROJECT

LOCAL = yaml.safe_load((PROJECT / "Pulumi.local.yaml").read_text())["config"][KEY]
NODES = [
    {"profile": "1xh200-141gb", "count": 1, "pool": "cut"},
    {"profile": "4xl40s-48gb", "count": 2, "pool": "shared"},
    {"profile": "2xrtx6000ada-48gb", "count": 2, "pool": "whole"},
    {"profile": "cpu-16", "count": 2},
]
POOLS: dict[str, dict[str, Any]] = {
    "cut": {"gpu": "h200-141gb", "nodes": 1, "gpus_per_node": 1},
    "shared": {"gpu": "l40s-48gb", "nodes": 2, "gpus_per_node": 4},
    "whole": {"gpu": "rtx6000ada-48gb", "nodes": 2, "gpus_per_node": 2},
}
WHOLE = {"mode": "exclusive"}
CUTS = [WHOLE, *({"mode": "mig", "geometry": g} for g in ({"1g.18gb": 7}, {"2g.35gb": 3}))]
SHARES = [
    WHOLE,
    {"mode": "mps", "clients": 2},
    *({"mode": "time-slicing", "clients": clients} for clients in (2, 4)),
]
PROGRAM = """
from functools import partial

from catalog.images import image
from components import program
from components.models.deploy import deploy_models
from components.monitoring.prometheus import query_access
from components.platform import Platform, PlatformArgs

stack = program.read_stack()
cluster_opts = program.cluster_options(stack)
platform = Platform("platform", PlatformArgs(
    settings=stack.platform, gpus=program.gpus(stack),
    image=partial(image, prefix=stack.platform.registry_prefix)), cluster_opts)
prometheus = query_access("prometheus", platform.tier("monitoring"))
deploy_models(stack, platform, program.hub_token(), prometheus, cluster_opts)
"""


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    def nodes(groups: list[Any]) -> None:
        groups[:] = copy.deepcopy(NODES)

    with (
        checkout("local", tmp_path_factory.mktemp("accepted"), nodes) as copied,
        copied.edited("__main__.py", lambda _: PROGRAM),
    ):
        yield copied


def a_model(name: str) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {
            "model": st.just(name),
            "pool": st.sampled_from(sorted(POOLS)),
            "context_tokens": st.just(4096),
            "concurrency": st.just(2),
            "replicas": st.integers(1, 6),
            "tensor_parallel": st.sampled_from([1, 1, 2, 4]),
            "gpu_memory_utilization": st.sampled_from([0.2, 0.4, 0.9]),
        }
    )


@st.composite
def stacks(draw: st.DrawFn) -> dict[str, Any]:
    """The sections of a stack that differ; many of them are refused."""
    pools = copy.deepcopy(POOLS)
    pools["cut"]["sharing"] = draw(st.sampled_from(CUTS))
    pools["shared"]["sharing"] = draw(st.sampled_from(SHARES))
    models = {"chat": draw(a_model("qwen3-4b")), "embeddings": draw(a_model("bge-m3"))}
    if draw(st.booleans()):
        models["reranker"] = draw(a_model("bge-reranker-v2-m3"))
    return {"pools": pools, "models": models}


def stack_with(sections: dict[str, Any]) -> dict[str, Any]:
    raw = copy.deepcopy(LOCAL) | copy.deepcopy(sections)
    raw["cluster"]["nodes"] = copy.deepcopy(NODES)
    return raw


def is_accepted(sections: dict[str, Any]) -> bool:
    try:
        load(stack_with(sections), "local")
    except ConfigError:
        return False
    return True


@settings(
    max_examples=4,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],  # each is an `up` and a `destroy`: nothing is made smaller
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
)
@given(stacks())
def test_what_the_configuration_accepts_comes_up_and_is_ready(
    deployed: Checkout, sections: dict[str, Any]
) -> None:
    assume(is_accepted(sections))

    def change(raw: dict[str, Any]) -> None:
        raw.update(stack_with(sections))

    with deployed.configured(change):
        done = deployed.pulumi("up", "--yes", "--skip-preview")
        pods = deployed.cluster.api().items("/api/v1/namespaces/llm-production/pods")
        gone = deployed.pulumi("destroy", "--yes", "--skip-preview")

    assert done.code == 0, f"{yaml.safe_dump(sections)}\n{done.output}"
    assert gone.code == 0, gone.output
    running = [pod for pod in pods if pod["status"]["phase"] != "Succeeded"]
    assert len(running) == sum(model["replicas"] for model in sections["models"].values())
    assert all(is_ready(pod) for pod in running)
