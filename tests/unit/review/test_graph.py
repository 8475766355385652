"""The graph of components."""

from review.graph import graph


def _urn(kind: str, name: str) -> str:
    return f"urn:pulumi:test::private-ai::{kind}::{name}"


DB = _urn("private-ai:index:Postgres", "db")
DB_CHILD = _urn("private-ai:index:Postgres$kubernetes:core/v1:Secret", "db")
APP = _urn("private-ai:index:App", "app")
APP_CHILD = _urn("private-ai:index:App$kubernetes:apps/v1:Deployment", "app")
GATE = _urn("private-ai:index:Gate", "gate")
GATE_CHILD = _urn("private-ai:index:Gate$kubernetes:core/v1:Secret", "gate")

RESOURCES = [
    {"urn": DB, "type": "private-ai:index:Postgres"},
    {"urn": DB_CHILD, "type": "kubernetes:core/v1:Secret", "parent": DB},
    {"urn": APP, "type": "private-ai:index:App"},
    {
        "urn": APP_CHILD,
        "type": "kubernetes:apps/v1:Deployment",
        "parent": APP,
        "propertyDependencies": {"spec": [DB_CHILD]},
    },
    {"urn": GATE, "type": "private-ai:index:Gate"},
    {
        "urn": GATE_CHILD,
        "type": "kubernetes:core/v1:Secret",
        "parent": GATE,
        "dependencies": [APP_CHILD, DB_CHILD],
    },
]


def test_an_edge_between_children_is_an_edge_between_their_components() -> None:
    assert graph(RESOURCES).needs == {"db": set(), "app": {"db"}, "gate": {"app", "db"}}


def test_a_layer_needs_only_the_layers_before_it() -> None:
    assert graph(RESOURCES).layers() == [["db"], ["app"], ["gate"]]


def test_the_picture_leaves_out_what_comes_through_another() -> None:
    assert graph(RESOURCES).direct("gate") == ["app"]
