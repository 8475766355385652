"""Each stack, for real: up, nothing to do, one change, away. The tests of a stack run in order."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest

from sim.api import Api
from tests.engine.checkout import Checkout, checkout
from tests.engine.sim_support import is_ready

STACKS = ["local", "staging", "prod"]
OURS = "app.kubernetes.io/part-of=private-ai"
SECRET_FILES = {"tls.key", "password", "api-key", "secret-key"}
"""Keys of Secrets whose whole content is one secret."""


@pytest.fixture(scope="module", params=STACKS)
def stack(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Checkout]:
    """The stack, up on a cluster of its own."""
    with checkout(request.param, tmp_path_factory.mktemp(request.param)) as deployed:
        done = deployed.pulumi("up", "--yes", "--skip-preview")
        assert done.code == 0, done.output
        yield deployed


@pytest.fixture
def api(stack: Checkout) -> Api:
    """The stack's cluster, for who wants to look."""
    return stack.cluster.api()


def test_every_pod_is_ready_or_done(api: Api) -> None:
    pods = api.items("/api/v1/pods")
    waiting = [
        f"{pod['metadata']['namespace']}/{pod['metadata']['name']}: {pod['status']['phase']}"
        for pod in pods
        if pod["status"]["phase"] != "Succeeded" and not is_ready(pod)
    ]

    assert len(pods) > 20
    assert waiting == []


def test_every_workload_has_all_its_replicas(api: Api) -> None:
    sets = [*api.items("/apis/apps/v1/deployments"), *api.items("/apis/apps/v1/statefulsets")]
    short = [
        s["metadata"]["name"]
        for s in sets
        if s["status"].get("readyReplicas") != s["spec"]["replicas"]
    ]

    assert len(sets) > 8
    assert short == []


def test_the_models_ask_for_the_gpus_that_the_outputs_say(stack: Checkout, api: Api) -> None:
    outputs = json.loads(stack.pulumi("stack", "output", "--json").output)
    said = sum(pool["gpus_used"] for pool in outputs["gpus"]["pools"])
    asked = sum(
        int(container["resources"].get("limits", {}).get("nvidia.com/gpu", 0))
        for pod in api.items("/api/v1/pods")
        for container in pod["spec"]["containers"]
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


def test_no_generated_secret_is_in_clear_in_the_state_or_in_anything_printed(
    stack: Checkout, api: Api
) -> None:
    stack.pulumi("preview", "--diff", "--refresh")
    stack.pulumi("stack", "export")
    said = "\n".join(stack.said)
    generated = _secrets(api)
    found = [name for name, value in generated.items() if value in said]

    assert len(generated) > 20
    assert found == []


def test_destroy_leaves_no_object_behind(stack: Checkout, api: Api) -> None:
    """A stack that is not disposable refuses first, and lets go once it and a waiver say it is."""
    before = _objects(api)
    if stack.stack != "local":
        refused = stack.pulumi("destroy", "--yes")
        assert refused.code != 0
        assert "protected" in refused.output
        assert _objects(api) == before

    def give_up(settings: Any) -> None:
        settings["platform"]["disposable"] = True

    def waive(text: str) -> str:
        return f"""{text}  - rule: protected-data
    resource: "*/*/*"
    stack: {stack.stack}
    reason: The stack is given up.
    owner: platform
    expires: 2099-12-31
"""

    with stack.configured(give_up), stack.edited("policies/waivers.yaml", waive):
        released = stack.pulumi("up", "--yes", "--skip-preview")
        destroyed = stack.pulumi("destroy", "--yes", "--skip-preview")

    assert released.code == 0, released.output
    assert destroyed.code == 0, destroyed.output
    assert before
    assert _objects(api) == []


def _secrets(api: Api) -> dict[str, str]:
    """The generated secrets of the stack, each as one line that would be found in clear."""
    found: dict[str, str] = {}
    for secret in api.items("/api/v1/secrets"):
        for key, encoded in secret.get("data", {}).items():
            if key in SECRET_FILES:
                lines = base64.b64decode(encoded).decode().splitlines()
                # Of a key in PEM the first line is a heading that every key has.
                found[f"{secret['metadata']['name']}/{key}"] = lines[1 if len(lines) > 1 else 0]
    return found


def _objects(api: Api) -> list[str]:
    """What there is of the stack: its namespaces, and what is in none of them."""
    objects = [
        *api.items("/api/v1/namespaces", OURS),
        *api.items("/apis/scheduling.k8s.io/v1/priorityclasses", OURS),
        *api.items("/apis/node.k8s.io/v1/runtimeclasses"),
        *api.items("/api/v1/persistentvolumes"),
    ]
    return sorted(o["metadata"]["name"] for o in objects)
