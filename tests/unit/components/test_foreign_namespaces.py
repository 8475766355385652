"""Namespaces that the stack did not create are found, with what is in them, and refused."""

from collections.abc import Mapping
from typing import Any

import pytest

from components.foreign_namespaces import foreign_namespaces
from config.settings.platform import TIERS, Namespaces
from tests.platform_settings import platform_settings

OWN = {"app.kubernetes.io/part-of": "private-ai", "private-ai.dev/stack": "prod"}
BEFORE = {"app.kubernetes.io/part-of": "private-ai", "private-ai.dev/tier": "monitoring"}
CLASHES = {
    "no label": {},
    "the name's own label": {"kubernetes.io/metadata.name": "monitoring"},
    "another team": {"team": "supervision"},
    "a Helm release": {"app.kubernetes.io/managed-by": "Helm"},
    "part of another product": {"app.kubernetes.io/part-of": "kube-prometheus"},
    "another stack": OWN | {"private-ai.dev/stack": "staging"},
    "only a tier": {"private-ai.dev/tier": "monitoring"},
    "only a stack": {"private-ai.dev/stack": "prod"},
}


class Cluster:
    """A cluster with the given namespaces and workloads."""

    def __init__(
        self, namespaces: dict[str, dict[str, str]], workloads: dict[str, list[str]] | None = None
    ) -> None:
        self.namespaces, self.workloads = namespaces, workloads or {}

    def get(self, path: str) -> Mapping[str, Any] | None:
        """A namespace."""
        name = path.removeprefix("/api/v1/namespaces/")
        return {"metadata": {"labels": self.namespaces[name]}} if name in self.namespaces else None

    def items(self, path: str) -> list[Mapping[str, Any]]:
        """The workloads of one kind."""
        return [
            {"metadata": {"name": name}}
            for kind, names in self.workloads.items()
            for name in names
            if path.endswith(kind)
        ]


@pytest.mark.parametrize("tier", TIERS)
@pytest.mark.parametrize("labels", CLASHES.values(), ids=CLASHES)
def test_a_namespace_of_somebody_else_is_refused_with_its_labels(
    tier: str, labels: dict[str, str]
) -> None:
    name = getattr(Namespaces(), tier)

    [problem] = foreign_namespaces(Cluster({name: labels}), platform_settings(), "prod")

    assert problem.path == f"platform.namespaces.{tier}"
    assert problem.got.startswith(f"{name}, which ")
    assert f"add {tier} to platform.adopt_namespaces" in problem.change


@pytest.mark.parametrize("labels", [OWN, BEFORE])
def test_what_this_stack_created_is_its_own_also_before_it_said_so(labels: dict[str, str]) -> None:
    assert (
        list(foreign_namespaces(Cluster({"monitoring": labels}), platform_settings(), "prod")) == []
    )


def test_what_is_in_it_is_listed_by_name() -> None:
    cluster = Cluster(
        {"monitoring": {"team": "supervision"}},
        {"deployments": ["grafana", "operator"], "statefulsets": [f"db-{n}" for n in range(5)]},
    )

    [problem] = foreign_namespaces(cluster, platform_settings(), "prod")

    assert problem.got == (
        "monitoring, which this stack did not create (labels: team=supervision); in it:"
        " Deployment grafana, Deployment operator, StatefulSet db-0, StatefulSet db-1,"
        " StatefulSet db-2 and 2 more"
    )


def test_all_of_them_at_once_but_those_that_are_adopted() -> None:
    cluster = Cluster({"monitoring": {}, "auth": {}, "kong": {}})

    found = list(foreign_namespaces(cluster, platform_settings(adopt_namespaces=["auth"]), "prod"))

    assert [p.path for p in found] == [
        "platform.namespaces.gateway",
        "platform.namespaces.monitoring",
    ]
