"""Every time-out of a start follows from one budget: of each model of each stack and example."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil
from typing import Any

import pytest
import yaml

from base.quantity import parse
from components.models.vllm.leader_worker_set import AFTER_START
from config.load import load
from config.reference import KEY
from config.settings.models import ModelSettings
from sizing.startup import PULL_SECONDS, STARTUP_MARGIN, StartupBudget, startup_seconds
from tests import urns

STACKS = sorted(urns.files())
pytestmark = pytest.mark.slow
_GROUPS = "kubernetes:leaderworkerset.x-k8s.io/v1:LeaderWorkerSet"
_DEPLOYMENT = "kubernetes:apps/v1:Deployment"


@dataclass(frozen=True)
class Workload:
    """The servers of one model, as the cluster is asked for them."""

    name: str
    model: ModelSettings
    read_rate: int
    annotations: dict[str, str]
    spec: dict[str, Any]

    @property
    def server(self) -> dict[str, Any]:
        """Its first container."""
        template = self.spec.get("template") or self.spec["leaderWorkerTemplate"]["leaderTemplate"]
        found: dict[str, Any] = template["spec"]["containers"][0]
        return found

    @property
    def pods(self) -> int:
        """Pods of one server."""
        return int(self.spec.get("leaderWorkerTemplate", {}).get("size", 1))

    @property
    def verify(self) -> int:
        """Seconds to read the weights once."""
        return ceil(self.model.stored_bytes / self.read_rate)

    @property
    def load(self) -> int:
        """Expected seconds from the start to the first answer."""
        return startup_seconds(self.model.stored_bytes, self.read_rate)

    @property
    def probe(self) -> int:
        """The patience of the startup probe."""
        probe = self.server["startupProbe"]
        return int(probe["failureThreshold"]) * int(probe["periodSeconds"])

    def argument(self, name: str) -> int:
        """The number that an option is given."""
        [value] = [a.partition("=")[2] for a in self.server["args"] if a.startswith(f"{name}=")]
        return int(value)


def workloads() -> Iterator[Workload]:
    for stack in STACKS:
        config = load(yaml.safe_load(urns.files()[stack].read_text())["config"][KEY], stack)
        recorded = urns.asked_for(stack)
        for asked in (*recorded.of(_DEPLOYMENT), *recorded.of(_GROUPS)):
            model = config.models.get(asked.name.removesuffix("-prefill"))
            if model:
                yield Workload(
                    f"{stack} {asked.name}",
                    model,
                    int(parse(config.model_store.read_rate)),
                    asked.inputs["metadata"]["annotations"],
                    asked.inputs["spec"],
                )


@pytest.fixture(scope="module")
def all_of_them() -> list[Workload]:
    return list(workloads())


def test_a_start_has_the_time_to_load_and_a_group_to_wait_for_its_last_pod(
    all_of_them: list[Workload],
) -> None:
    assert len({each.name for each in all_of_them}) >= 3 * len(STACKS)
    for each in all_of_them:
        others = PULL_SECONDS + each.verify if each.pods > 1 else 0
        assert each.probe >= others + each.load * STARTUP_MARGIN, each.name


def test_the_probe_speaks_before_the_api_servers_give_up_on_the_engine(
    all_of_them: list[Workload],
) -> None:
    # vllm 0.33.0, vllm/v1/engine/core_client.py:762 and 1979: 600 s without the variable.
    found = [each for each in all_of_them if each.model.engine == "vllm"]

    assert found
    for each in found:
        env = {entry["name"]: entry.get("value") for entry in each.server["env"]}
        assert int(env.get("VLLM_ENGINE_READY_TIMEOUT_S") or 600) > each.probe, each.name


def test_peers_wait_for_one_another_while_an_image_is_pulled_and_weights_are_verified(
    all_of_them: list[Workload],
) -> None:
    # vllm 0.33.0, vllm/config/parallel.py:364-372 and vllm/v1/worker/gpu_worker.py:1711: otherwise
    # 600 s of NCCL and 1800 s of Gloo.
    groups = [each for each in all_of_them if each.pods > 1]

    assert groups
    for each in groups:
        apart = PULL_SECONDS + each.verify
        assert each.argument("--distributed-timeout-seconds") >= apart, each.name
        assert each.argument("--cpu-distributed-timeout-seconds") >= max(apart, 1800), each.name
        assert each.argument("--distributed-timeout-seconds") < each.probe, each.name
        # lws v0.8.0, pkg/controllers/pod_controller.go:216-221: not while a pod is pending.
        assert AFTER_START in each.annotations, each.name


def test_whoever_waits_for_the_workload_waits_longer_than_its_probe(
    all_of_them: list[Workload],
) -> None:
    for each in all_of_them:
        awaited = int(each.annotations["pulumi.com/timeoutSeconds"])
        servers = max(1, int(each.spec.get("replicas", 1)))
        assert awaited >= servers * (PULL_SECONDS + each.verify + each.probe), each.name
        assert int(each.spec.get("progressDeadlineSeconds", awaited)) >= awaited, each.name


def test_a_large_model_on_two_nodes_waits_as_long_as_its_weights_take() -> None:
    # Llama 3.1 405B in FP8 at 500 MB/s: 820 s to verify, beyond NCCL's 600 s.
    budget = StartupBudget(verify=820, load=1120, stop=150, pods=2)

    assert budget.join == 600 + 1230
    assert budget.probe == 1830 + 1680
    assert budget.engine > budget.probe
    assert budget.ready(2) == 2 * (1830 + 3510 + 150)


def test_a_server_of_one_pod_waits_for_no_peer() -> None:
    budget = StartupBudget(verify=100, load=400, stop=30)

    assert (budget.join, budget.probe) == (0, 600)
