"""What `pulumi` refuses, and how it says so, on empty."""

import re
from collections.abc import Callable
from typing import Any

import pytest

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


def test_a_namespace_of_somebody_else_is_left_as_it_is(empty: Checkout) -> None:
    """Their workloads would be cut off and restricted, and deleted with the stack."""
    api = empty.cluster.api()
    api.create(
        "/api/v1/namespaces", {"metadata": {"name": "monitoring", "labels": {"team": "them"}}}
    )
    before = api.get("/api/v1/namespaces/monitoring")
    try:
        previewed = empty.pulumi("preview")
        done = empty.pulumi("up", "--yes", "--skip-preview")
    finally:
        api.delete("/api/v1/namespaces/monitoring")

    for refused in (previewed, done):
        assert refused.code != 0
        assert "platform.namespaces.monitoring" in refused.output
        assert "monitoring, which this stack did not create (labels: team=them)" in refused.output
        assert "Traceback" not in refused.output
    assert before is not None
    assert api.items("/apis/networking.k8s.io/v1/networkpolicies") == []
    assert empty.pulumi("stack", "export").output.count('"urn"') <= 1
