"""`pai preflight` on a simulated cluster with seven things wrong: each with its remedy."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import app
from tests.engine.checkout import Checkout, checkout

STACK = "prod"


@pytest.fixture(scope="module")
def prod(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """Its cluster, with nothing deployed on it."""
    with checkout(STACK, tmp_path_factory.mktemp("preflight")) as there:
        yield there


def _preflight(prod: Checkout, *words: str) -> tuple[int, str]:
    kubeconfig = ["--kubeconfig", str(prod.cluster.kubeconfig)]
    done = CliRunner().invoke(app, ["preflight", "--stack", STACK, *kubeconfig, *words])
    return done.exit_code, done.output


def _spoil(prod: Checkout) -> None:
    """A class of storage, an operator's kinds, a label, a taint, an address, a cache, a name."""
    api = prod.cluster.api()
    api.delete("/apis/storage.k8s.io/v1/storageclasses/shared-files")
    crds = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    for crd in api.items(crds):
        if crd["spec"]["group"] == "postgresql.cnpg.io":
            api.delete(f"{crds}/{crd['metadata']['name']}")
    nodes = api.items("/api/v1/nodes")
    pools = {p: [n for n in nodes if _pool_of(n) == p] for p in ("h200", "l40s")}
    name = pools["h200"][0]["metadata"]["name"]
    api.merge(f"/api/v1/nodes/{name}", {"metadata": {"labels": {"private-ai.dev/gpu-pool": None}}})
    name = pools["l40s"][0]["metadata"]["name"]
    api.merge(f"/api/v1/nodes/{name}", {"spec": {"taints": []}})
    # The simulation's API server is on the loopback address, which it publishes nowhere.
    endpoint = {"addresses": ["198.51.100.7"]}
    api.create(
        "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices",
        {"metadata": {"name": "kubernetes"}, "addressType": "IPv4", "endpoints": [endpoint]},
    )
    template = {
        "metadata": {"labels": {"a": "b"}},
        "spec": {"containers": [{"name": "c", "image": "cache.test/cache:1"}]},
    }
    cache = {"selector": {"matchLabels": {"a": "b"}}, "template": template}
    api.create(
        "/apis/apps/v1/namespaces/kube-system/daemonsets",
        {"metadata": {"name": "node-local-dns"}, "spec": cache},
    )
    labels = {"team": "supervision"}
    api.create("/api/v1/namespaces", {"metadata": {"name": "monitoring", "labels": labels}})


def _pool_of(node: object) -> str | None:
    return node["metadata"]["labels"].get("private-ai.dev/gpu-pool")  # type: ignore[index]


def test_a_cluster_as_its_file_says_has_no_problem_and_one_with_seven_has_seven(
    prod: Checkout,
) -> None:
    code, text = _preflight(prod)
    assert (code, "0 problems" in text) == (0, True), text

    _spoil(prod)
    code, text = _preflight(prod, "--json")

    assert code == 1
    problems = {r["check"]: r["remedy"] for r in json.loads(text) if r["status"] == "problem"}
    assert set(problems) == {
        "storage class shared-files",
        "kind Cluster (postgresql.cnpg.io/v1)",
        "pool h200",
        "pool l40s",
        "API server's addresses",
        "NodeLocal DNSCache",
        "Namespace monitoring",
    }
    assert all(problems.values())
    assert "198.51.100.7/32" in problems["API server's addresses"]
    assert "cloudnative-pg 1.27" in problems["kind Cluster (postgresql.cnpg.io/v1)"]


def test_and_up_refuses_it_and_has_changed_nothing(prod: Checkout) -> None:
    api = prod.cluster.api()
    before = {n["metadata"]["name"] for n in api.items("/api/v1/namespaces")}

    done = prod.pulumi("up", "--yes")

    assert done.code != 0
    assert "monitoring, which this stack did not create (labels: team=supervision" in done.output
    assert {n["metadata"]["name"] for n in api.items("/api/v1/namespaces")} == before
    assert api.items("/apis/networking.k8s.io/v1/networkpolicies") == []


def test_a_cluster_that_does_not_answer_is_an_error_in_four_parts(tmp_path: Path) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    cluster = {"server": "https://127.0.0.1:9"}
    kubeconfig.write_text(
        json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [{"name": "c", "cluster": cluster}],
                "users": [{"name": "u", "user": {}}],
                "contexts": [{"name": "prod", "context": {"cluster": "c", "user": "u"}}],
            }
        )
    )

    done = CliRunner().invoke(app, ["preflight", "--stack", STACK, "--kubeconfig", str(kubeconfig)])

    assert done.exit_code == 1
    assert "cluster.context prod\n    got:" in done.output
    assert "Traceback" not in done.output
