"""Every example, for real: up, running as it says, nothing left to do, away without a trace.

Real: the engine and its providers, the API server, the scheduler, LeaderWorkerSet and KEDA.
Simulated: the nodes, and so the GPUs that the device plugin and the MIG manager would cut.
"""

import json
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from sim.api import Api, Object
from sim.process import alive
from tests import urns
from tests.engine.checkout import Checkout, checkout
from tests.engine.sim_support import is_ready, once
from toolchain.environment import PROJECT

NAMES = sorted(file.stem for file in (PROJECT / "examples").glob("*.yaml"))
MODELS = "/api/v1/namespaces/llm-production/pods"
SCALERS = "/apis/keda.sh/v1alpha1/namespaces/llm-production/scaledobjects"
AUTOSCALERS = "/apis/autoscaling/v2/namespaces/llm-production/horizontalpodautoscalers"
DEPLOYMENTS = "/apis/apps/v1/namespaces/llm-production/deployments"
METRICS = "simulated-metrics"
"""What the stand-in for Prometheus reads (sim/controllers/prometheus.py)."""


@contextmanager
def brought_up(name: str, factory: pytest.TempPathFactory) -> Generator[Checkout]:
    with checkout(name, factory.mktemp(name), file=f"examples/{name}.yaml") as deployed:
        done = deployed.pulumi("up", "--yes", "--skip-preview")
        assert done.code == 0, done.output
        yield deployed
        processes = deployed.cluster.processes().values()
    assert not any(alive(process) for process in processes)


@pytest.fixture(scope="module", params=NAMES)
def deployed(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Checkout]:
    """The example, up on a cluster of its own."""
    with brought_up(request.param, tmp_path_factory) as example:
        yield example


@pytest.fixture
def api(deployed: Checkout) -> Api:
    return deployed.cluster.api()


def servers(api: Api, model: str = "") -> list[Object]:
    """The pods that hold GPUs or parts of them; of one model, where that is named."""
    return [
        pod
        for pod in api.items(MODELS)
        if resources(pod) and pod["metadata"]["name"].startswith(model)
    ]


def resources(pod: Object) -> dict[str, str]:
    limits = pod["spec"]["containers"][0]["resources"]["limits"]
    return {name: count for name, count in limits.items() if name.startswith("nvidia.com/")}


def offered(api: Api, node: str) -> dict[str, str]:
    found = api.get(f"/api/v1/nodes/{node}")
    assert found is not None
    allocatable = found["status"]["allocatable"]
    return {name: n for name, n in allocatable.items() if name.startswith("nvidia.com/")}


def counts(autoscaler: Object) -> bool:
    """Whether it gets its numbers: KEDA reached Prometheus, and the API server KEDA."""
    conditions = autoscaler.get("status", {}).get("conditions", [])
    return any(c["type"] == "ScalingActive" and c["status"] == "True" for c in conditions)


def environment(pod: Object) -> dict[str, str]:
    return {e["name"]: e.get("value", "") for e in pod["spec"]["containers"][0].get("env", [])}


def one_model_over_two_machines(api: Api) -> None:
    leader, worker = sorted(servers(api, "chat"), key=lambda pod: pod["metadata"]["name"])

    assert {pod["spec"]["nodeName"] for pod in (leader, worker)} == {"gpu-h100-1", "gpu-h100-2"}
    assert [resources(pod) for pod in (leader, worker)] == [{"nvidia.com/gpu": "8"}] * 2
    assert environment(worker)["LWS_LEADER_ADDRESS"] == environment(leader)["LWS_LEADER_ADDRESS"]
    assert environment(worker)["LWS_WORKER_INDEX"] == "1"


def seven_slices_of_one_card(api: Api) -> None:
    assert offered(api, "gpu-h200-1") == {"nvidia.com/mig-1g.18gb": "7"}
    assert [resources(pod) for pod in servers(api)] == [{"nvidia.com/mig-1g.18gb": "1"}] * 7


def a_client_with_forty_percent(api: Api) -> None:
    assert offered(api, "gpu-l40s-1") == {"nvidia.com/gpu.shared": "8"}
    chats, others = servers(api, "chat"), servers(api, "embeddings")

    assert [resources(pod) for pod in chats] == [{"nvidia.com/gpu.shared": "1"}] * 4
    for pod in chats:
        assert environment(pod)["CUDA_MPS_ACTIVE_THREAD_PERCENTAGE"] == "40"
        # 40 % of the 46068 MiB of an L40S
        assert environment(pod)["CUDA_MPS_PINNED_DEVICE_MEM_LIMIT"] == "0=18427M"
    assert len(others) == 4
    assert not any("CUDA_MPS_ACTIVE_THREAD_PERCENTAGE" in environment(pod) for pod in others)


def twelve_servers_on_four_cards(api: Api) -> None:
    assert offered(api, "gpu-shared-1") == {"nvidia.com/gpu.shared": "16"}
    shared = [*servers(api, "embeddings"), *servers(api, "reranker")]

    assert [resources(pod) for pod in shared] == [{"nvidia.com/gpu.shared": "1"}] * 12
    assert [resources(pod) for pod in servers(api, "chat")] == [{"nvidia.com/gpu": "1"}] * 2


def a_chat_between_two_and_four(api: Api) -> None:
    [found] = api.items(SCALERS)
    # KEDA says so, takes it back while it first asks Prometheus, and says it again.
    scaler = once(api, f"{SCALERS}/{found['metadata']['name']}", is_ready)
    autoscaler = once(api, f"{AUTOSCALERS}/{scaler['status']['hpaName']}", counts)

    assert {each["status"] for each in scaler["status"]["health"].values()} == {"Happy"}
    assert (autoscaler["spec"]["minReplicas"], autoscaler["spec"]["maxReplicas"]) == (2, 4)
    assert len(servers(api, "chat")) == 2


def every_engine_beside_vllm_has_its_front(api: Api) -> None:
    images = {
        container["name"]
        for pod in servers(api)
        for container in pod["spec"]["containers"]
        if container["name"] != "auth-proxy"
    }
    fronted = [pod for pod in servers(api) if len(pod["spec"]["containers"]) > 1]

    assert images == {
        *("vllm", "ollama", "llama-cpp", "tgi", "triton-vllm"),
        *("infinity", "tei", "speaches", "comfyui"),
    }
    assert len(fronted) == len(servers(api)) - 1
    assert {resources(pod)["nvidia.com/gpu"] for pod in servers(api, "layers")} == {"2"}


SAYS: dict[str, Callable[[Api], None]] = {
    "engines": every_engine_beside_vllm_has_its_front,
    "keda": a_chat_between_two_and_four,
    "mig": seven_slices_of_one_card,
    "mps": a_client_with_forty_percent,
    "multi-node": one_model_over_two_machines,
    "time-sliced": twelve_servers_on_four_cards,
}


def test_every_pod_is_ready_or_done(api: Api) -> None:
    waiting = [
        f"{pod['metadata']['namespace']}/{pod['metadata']['name']}: {pod['status']['phase']}"
        for pod in api.items("/api/v1/pods")
        if pod["status"]["phase"] != "Succeeded" and not is_ready(pod)
    ]

    assert waiting == []


def test_its_models_run_as_it_says(deployed: Checkout, api: Api) -> None:
    assert servers(api)
    if deployed.stack in SAYS:
        SAYS[deployed.stack](api)


def test_its_urns_are_the_golden_ones(deployed: Checkout) -> None:
    done = deployed.pulumi("stack", "export")
    exported = json.loads(done.output[done.output.index("{") :])
    found = urns.short(resource["urn"] for resource in exported["deployment"]["resources"])

    assert found == urns.golden(deployed.stack)


def test_its_file_is_left_as_it_is(deployed: Checkout) -> None:
    assert (deployed.root / deployed.file).read_text() == (PROJECT / deployed.file).read_text()


def test_a_second_preview_has_nothing_to_do(deployed: Checkout) -> None:
    done = deployed.pulumi("preview", "--expect-no-changes")

    assert done.code == 0, done.output


def test_the_number_of_servers_is_the_autoscalers_alone(deployed: Checkout, api: Api) -> None:
    """Three requests wait, so there are three servers; a further `up` does not take one away."""
    if deployed.stack != "keda":
        return

    def at_once(settings: Any) -> None:
        settings["models"]["chat"]["autoscaling"]["stabilization_seconds"] = 0

    [scaler] = api.items(SCALERS)
    chat = f"{DEPLOYMENTS}/{scaler['spec']['scaleTargetRef']['name']}"
    with deployed.configured(at_once):
        changed = deployed.pulumi("up", "--yes", "--skip-preview")
        assert changed.code == 0, changed.output
        waiting = {"metadata": {"name": METRICS}, "data": {"num_requests_waiting": "3"}}
        api.create("/api/v1/namespaces/keda/configmaps", waiting)
        once(api, chat, lambda found: found["status"].get("readyReplicas") == 3)
        again = deployed.pulumi("up", "--yes", "--skip-preview", "--refresh")

    assert again.code == 0, again.output
    assert "created" not in again.output
    assert "updated" not in again.output
    assert len(servers(api, "chat")) == 3


def test_a_model_changes_its_engine_and_keeps_its_address_and_key(
    deployed: Checkout, api: Api
) -> None:
    """There are no GPUs for both, and a second Service of the name could not be made."""
    if deployed.stack != "engines":
        return

    def changed(settings: Any) -> None:
        settings["models"]["older"]["engine"] = "triton-vllm"

    address = "/api/v1/namespaces/llm-production/services/older"
    before = api.get(address)
    with deployed.configured(changed):
        done = deployed.pulumi("up", "--yes", "--skip-preview")
        again = deployed.pulumi("preview", "--expect-no-changes")

    assert done.code == 0, done.output
    assert again.code == 0, again.output
    after = api.get(address)
    assert before is not None
    assert after is not None
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    [server] = servers(api, "older")
    assert server["spec"]["containers"][0]["name"] == "triton-vllm"
    assert "RandomPassword" not in done.output


def test_destroy_takes_away_whatever_holds_a_gpu(deployed: Checkout, api: Api) -> None:
    """What holds data is protected and stays, the namespaces among it."""
    done = deployed.pulumi("destroy", "--yes", "--skip-preview", "--exclude-protected")

    assert done.code == 0, done.output
    assert servers(api) == []
    assert api.items(AUTOSCALERS) == []
