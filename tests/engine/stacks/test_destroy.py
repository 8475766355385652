"""Each stack goes without a trace, as the last that is done with it."""

from typing import Any

from sim.api import Api
from tests.engine.checkout import Checkout

OURS = "app.kubernetes.io/part-of=private-ai"


def test_destroy_leaves_no_object_behind(stack: Checkout, api: Api) -> None:
    """A stack that is not disposable refuses first, and lets go once it and a waiver say it is.

    Of a namespace that it has adopted it removes what is its own, and no more.
    """
    before, theirs = _objects(api), ""
    if stack.stack != "local":
        refused = stack.pulumi("destroy", "--yes")
        assert refused.code != 0
        assert "protected" in refused.output
        assert _objects(api) == before
        theirs = "monitoring"
        api.create(f"/api/v1/namespaces/{theirs}/configmaps", {"metadata": {"name": "theirs"}})
        _let_go(stack)
    destroyed = stack.pulumi("destroy", "--yes", "--skip-preview")

    assert destroyed.code == 0, destroyed.output
    assert before
    assert _objects(api) == ([theirs] if theirs else [])
    if theirs:
        assert api.get(f"/api/v1/namespaces/{theirs}/configmaps/theirs")
        for own in ("apis/networking.k8s.io/v1/{}/networkpolicies", "api/v1/{}/resourcequotas"):
            assert api.items("/" + own.format(f"namespaces/{theirs}")) == []


def _let_go(stack: Checkout) -> None:
    """Deploy the stack as disposable, with a waiver, and with one namespace of others."""

    def give_up(settings: Any) -> None:
        settings["platform"] |= {"disposable": True, "adopt_namespaces": ["monitoring"]}

    def waive(text: str) -> str:
        return f"""{text}  - rule: protected-data
    resource: "*/*/*"
    stack: {stack.stack}
    reason: The stack is given up.
    owner: platform
    expires: 2099-12-31
"""

    with stack.configured(give_up), stack.edited("policies/waivers.yaml", waive):
        done = stack.pulumi("up", "--yes", "--skip-preview")
    assert done.code == 0, done.output


def _objects(api: Api) -> list[str]:
    """What there is of the stack: its namespaces, and what is in none of them."""
    objects = [
        *api.items("/api/v1/namespaces", OURS),
        *api.items("/apis/scheduling.k8s.io/v1/priorityclasses", OURS),
        *api.items("/apis/node.k8s.io/v1/runtimeclasses"),
        *api.items("/api/v1/persistentvolumes"),
    ]
    return sorted(o["metadata"]["name"] for o in objects)
