"""Names that a person gives and that objects of the cluster are called by: none may be taken."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from base.problems import Problem

if TYPE_CHECKING:
    from config.stack import StackConfig

_COMPONENTS: Final = frozenset(
    {
        *("platform", "llm-storage", "qdrant", "keycloak-db", "open-webui-db", "redis", "keycloak"),
        *("router", "open-webui", "observability", "kong", "weights-programs"),
    }
)
"""Of every stack (__main__.py, components/data/deploy.py)."""

_PARTS: Final = ("members", "tls", "weights", "picker", "prefill", "autoscaler")
"""What is called `<component>-<part>` and is of a kind that a model has one of under its name."""


def name_problems(config: "StackConfig") -> Iterator[Problem]:
    """Every model that is called like another component, or like a part of one."""
    taken = _COMPONENTS | set(config.pools)
    owners = taken | set(config.models)
    for name in sorted(config.models):
        owner, _, part = name.rpartition("-")
        if name in taken:
            yield Problem(
                f"models.{name}",
                name,
                f"a name that no other component has: not {', '.join(sorted(taken))}",
                "Call the model otherwise.",
            )
        elif part in _PARTS and owner in owners:
            yield Problem(
                f"models.{name}",
                name,
                f"a name that no part of {owner} has: not {owner}- and one of {', '.join(_PARTS)}",
                "Call the model otherwise.",
            )
