"""What `pulumi` refuses, and how it says so, on empty."""

import json
import re
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.engine import foreign_objects
from tests.engine.checkout import Checkout

pytestmark = pytest.mark.parametrize("empty", ["prod"], indirect=True)


def _spoil(settings: Any) -> None:
    settings["qdrant"] = {"nodez": 3}
    settings["models"]["chat"]["tensor_parallel"] = 1
    settings["hosts"]["auth"] = settings["hosts"]["ai"]


def test_three_mistakes_are_three_errors_of_four_parts_without_a_trace(empty: Checkout) -> None:
    with empty.configured(_spoil):
        done = empty.pulumi("preview")

    assert done.code != 0
    assert "3 problems" in done.output
    for path in ("qdrant.nodez", "models.chat.tensor_parallel", "hosts.auth"):
        [parts] = re.findall(rf"\d\. {re.escape(path)}\n((?:    +\S.*\n){{3}})", done.output)
        assert [line.split(":")[0].strip() for line in parts.splitlines()] == [
            "got",
            "allowed",
            "change",
        ]
    assert "Traceback" not in done.output


def _without_memory_limit(text: str) -> str:
    return text.replace(
        '"limits": {**manifest["limits"], **extended}',
        '"limits": {"cpu": "1", "ephemeral-storage": "1Gi", **extended}',
    )


def _without_tls(text: str) -> str:
    return text.replace("{KongGateway.port} ssl http2", "{KongGateway.port} http2")


@pytest.mark.parametrize(
    ("file", "edit", "said"),
    [
        ("components/common/pod.py", _without_memory_limit, "limits.memory"),
        ("components/gateway/kong_gateway.py", _without_tls, "KONG_PROXY_LISTEN"),
    ],
    ids=["a container without a memory limit", "a listener without TLS"],
)
def test_the_pack_refuses(
    empty: Checkout, file: str, edit: Callable[[str], str], said: str
) -> None:
    with empty.edited(file, edit):
        done = empty.pulumi("up", "--yes")

    assert done.code != 0
    assert "[mandatory]" in done.output
    assert said in done.output
    assert empty.pulumi("stack", "export").output.count('"urn"') == 0


def test_twenty_things_of_others_are_all_named_and_left_as_they_are(empty: Checkout) -> None:
    """Their workloads would be cut off, taken over, and deleted with the stack."""
    api = empty.cluster.api()

    def adopt(settings: Any) -> None:
        settings["platform"]["adopt_namespaces"] = foreign_objects.ADOPTED

    with foreign_objects.taken(api), empty.configured(adopt):
        before, there = foreign_objects.seen(api), foreign_objects.contents(api)
        previewed = empty.pulumi("preview")
        done = empty.pulumi("up", "--yes", "--skip-preview")
        after, remain = foreign_objects.seen(api), foreign_objects.contents(api)

    for refused in (previewed, done):
        assert refused.code != 0
        assert "Traceback" not in refused.output
        assert [said for said in foreign_objects.REFUSED if said not in refused.output] == []
        assert f"{len(foreign_objects.REFUSED)} problems" in refused.output
    assert after == before
    assert remain == there
    assert "kubernetes:" not in _types(empty)


def test_a_stack_whose_state_is_lost_is_refused_by_its_preview(empty: Checkout) -> None:
    """A second first deployment would make new passwords for the old data."""
    api = empty.cluster.api()
    labels = {"app.kubernetes.io/part-of": "private-ai", "private-ai.dev/stack": empty.stack}
    api.create("/api/v1/namespaces", {"metadata": {"name": "auth", "labels": labels}})
    try:
        done = empty.pulumi("up", "--yes")
    finally:
        api.delete("/api/v1/namespaces/auth")
        while api.get("/api/v1/namespaces/auth"):  # the stack is deployed here after this
            time.sleep(0.1)

    assert done.code != 0
    assert "a state that does not know the namespaces auth, although the cluster" in done.output
    assert "Traceback" not in done.output
    assert api.items("/apis/networking.k8s.io/v1/networkpolicies") == []
    assert "kubernetes:" not in _types(empty)


def _types(empty: Checkout) -> str:
    """The types of what the state has, without the provider's."""
    deployment = json.loads(empty.pulumi("stack", "export").output)["deployment"]
    types = (each["type"] for each in deployment.get("resources") or [])
    return " ".join(each for each in types if not each.startswith("pulumi:"))
