"""Each stack, for real: up, nothing to do, one change."""

import base64
import json
from typing import Any

import pytest

from sim.api import Api
from tests import urns
from tests.engine.checkout import Checkout, Done
from tests.engine.sim_support import is_ready

SECRET_FILES = {"tls.key", "password", "api-key", "secret-key"}
"""Keys of Secrets whose whole content is one secret."""


@pytest.fixture(scope="module")
def looked(stack: Checkout) -> Done:
    """A preview that looks at the cluster first and prints every difference."""
    return stack.pulumi("preview", "--expect-no-changes", "--refresh", "--diff")


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


def test_its_urns_are_the_golden_ones(stack: Checkout) -> None:
    assert urns.short(resource["urn"] for resource in _resources(stack)) == urns.golden(stack.stack)


def test_the_state_has_no_call_stack_and_no_path_of_the_machine(stack: Checkout) -> None:
    ours = [r for r in _resources(stack) if not r["type"].startswith("pulumi:")]

    assert {r.get("stackTrace") for r in ours} == {None}
    assert {r.get("sourcePosition") for r in ours} == {None}


def test_a_second_preview_has_nothing_to_do(stack: Checkout) -> None:
    done = stack.pulumi("preview", "--expect-no-changes")

    assert done.code == 0, done.output


def test_nor_has_one_that_looks_at_the_cluster_first(looked: Done) -> None:
    assert looked.code == 0, looked.output


def test_one_more_replica_is_one_update(stack: Checkout) -> None:
    def more(settings: Any) -> None:
        settings["open_webui"] = {**settings.get("open_webui", {}), "replicas": 3}

    with stack.configured(more):
        [step] = stack.events("preview")

    assert step["op"] == "update"
    assert step["urn"].endswith("Deployment::open-webui")


def test_no_generated_secret_is_in_clear_in_the_state_or_in_anything_printed(
    stack: Checkout, api: Api, looked: Done
) -> None:
    stack.pulumi("stack", "export")
    said = "\n".join(stack.said)
    generated = _secrets(api)
    found = [name for name, value in generated.items() if value in said]

    assert looked.output in said
    assert len(generated) > 20
    assert found == []


def _resources(stack: Checkout) -> list[dict[str, Any]]:
    """The resources in the state."""
    done = stack.pulumi("stack", "export")
    exported = json.loads(done.output[done.output.index("{") :])
    return exported["deployment"]["resources"]


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
