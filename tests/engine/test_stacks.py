"""Each stack, for real: up, nothing to do, one change, away. The tests of a stack run in order."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from kubernetes import client, config

from tests.engine.checkout import Checkout, checkout

STACKS = ["local", "staging", "prod"]


@pytest.fixture(scope="module", params=STACKS)
def stack(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Any]:
    """The stack, up on a cluster of its own."""
    with checkout(request.param, tmp_path_factory.mktemp(request.param)) as deployed:
        done = deployed.pulumi("up", "--yes", "--skip-preview")
        assert done.code == 0, done.output
        yield deployed


@pytest.fixture(scope="module")
def api(stack: Checkout) -> Iterator[client.ApiClient]:
    """The stack's cluster, for who wants to look."""
    with config.new_client_from_config(str(stack.cluster.kubeconfig)) as connection:
        yield connection


def test_every_pod_is_ready_or_done(stack: Checkout, api: client.ApiClient) -> None:
    pods = client.CoreV1Api(api).list_pod_for_all_namespaces().items
    waiting = [
        f"{pod.metadata.namespace}/{pod.metadata.name}: {pod.status.phase}"
        for pod in pods
        if pod.status.phase != "Succeeded"
        and not any(c.type == "Ready" and c.status == "True" for c in pod.status.conditions or [])
    ]

    assert len(pods) > 20
    assert waiting == []


def test_every_workload_has_all_its_replicas(stack: Checkout, api: client.ApiClient) -> None:
    apps = client.AppsV1Api(api)
    sets = [
        *apps.list_deployment_for_all_namespaces().items,
        *apps.list_stateful_set_for_all_namespaces().items,
    ]
    short = [s.metadata.name for s in sets if s.status.ready_replicas != s.spec.replicas]

    assert len(sets) > 8
    assert short == []


def test_the_models_ask_for_the_gpus_that_the_outputs_say(
    stack: Checkout, api: client.ApiClient
) -> None:
    outputs = json.loads(stack.pulumi("stack", "output", "--json").output)
    said = sum(pool["gpus_used"] for pool in outputs["gpus"]["pools"])
    pods = client.CoreV1Api(api).list_pod_for_all_namespaces().items
    asked = sum(
        int((container.resources.limits or {}).get("nvidia.com/gpu", 0))
        for pod in pods
        for container in pod.spec.containers
    )

    assert said == asked > 0


def test_a_second_preview_has_nothing_to_do(stack: Checkout) -> None:
    done = stack.pulumi("preview", "--expect-no-changes")

    assert done.code == 0, done.output


def test_nor_has_one_that_looks_at_the_cluster_first(stack: Checkout) -> None:
    done = stack.pulumi("preview", "--expect-no-changes", "--refresh")

    assert done.code == 0, done.output


def test_one_more_replica_is_one_update(stack: Checkout) -> None:
    def more(settings: Any) -> None:
        settings["open_webui"] = {**settings.get("open_webui", {}), "replicas": 3}

    with stack.configured(more):
        [step] = stack.events("preview")

    assert step["op"] == "update"
    assert step["urn"].endswith("Deployment::open-webui")


def test_no_generated_secret_is_in_clear_in_the_state(
    stack: Checkout, api: client.ApiClient
) -> None:
    state = stack.pulumi("stack", "export").output
    generated = _secrets(api)
    found = [name for name, value in generated.items() if value in state]

    assert len(generated) > 20
    assert found == []


def test_destroy_leaves_no_object_behind(stack: Checkout, api: client.ApiClient) -> None:
    before = _objects(api)
    if stack.stack != "local":
        refused = stack.pulumi("destroy", "--yes")
        assert refused.code != 0
        assert "protected" in refused.output
        assert _objects(api) == before

    def give_up(settings: Any) -> None:
        settings["platform"]["disposable"] = True

    with stack.configured(give_up):
        released = stack.pulumi("up", "--yes", "--skip-preview")
        destroyed = stack.pulumi("destroy", "--yes", "--skip-preview")

    assert released.code == 0, released.output
    assert destroyed.code == 0, destroyed.output
    assert _objects(api) == []


def _secrets(api: client.ApiClient) -> dict[str, str]:
    """Every decoded line of every Secret of the stack that is long enough to be one."""
    import base64

    found: dict[str, str] = {}
    for secret in client.CoreV1Api(api).list_secret_for_all_namespaces().items:
        for key, encoded in (secret.data or {}).items():
            text = base64.b64decode(encoded).decode()
            if key in ("tls.key", "password", "api-key", "secret-key"):
                lines = [line for line in text.splitlines() if len(line) >= 24]
                found |= {f"{secret.metadata.name}/{key}": line for line in lines[1:2] or lines}
    return found


def _objects(api: client.ApiClient) -> list[str]:
    """What is in the cluster of ours: namespaces, and whatever is in or beside them."""
    core = client.CoreV1Api(api)
    ours = [
        n.metadata.name
        for n in core.list_namespace(label_selector="app.kubernetes.io/part-of=private-ai").items
    ]
    classes = client.SchedulingV1Api(api).list_priority_class(
        label_selector="app.kubernetes.io/part-of=private-ai"
    )
    runtimes = client.NodeV1Api(api).list_runtime_class()
    volumes = core.list_persistent_volume()
    return sorted(
        [
            *ours,
            *(c.metadata.name for c in classes.items),
            *(r.metadata.name for r in runtimes.items),
            *(v.metadata.name for v in volumes.items),
        ]
    )
