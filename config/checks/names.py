"""Checks that names from the settings do not collide with names of other objects."""

from collections.abc import Iterator
from typing import Final

from base.problems import Problem
from config.stack import StackConfig

_COMPONENTS: Final = frozenset(
    {
        *("platform", "llm-storage", "qdrant", "keycloak-db", "open-webui-db", "redis", "keycloak"),
        *("router", "open-webui", "observability", "kong", "weights-programs"),
    }
)
"""Component names in every stack (__main__.py, components/data/deploy.py)."""

_PARTS: Final = ("members", "tls", "weights", "picker", "prefill", "autoscaler")
"""Suffixes of objects `<component>-<part>` whose kinds a model also has under its own name."""


def name_problems(config: StackConfig) -> Iterator[Problem]:
    """Every model with the name of another component, or of a part of one."""
    taken = _COMPONENTS | set(config.pools)
    owners = taken | set(config.models)
    for name in sorted(config.models):
        owner, _, part = name.rpartition("-")
        if name in taken:
            yield Problem(
                f"models.{name}",
                name,
                f"a name that no other component has: not {', '.join(sorted(taken))}",
                "Rename the model.",
            )
        elif part in _PARTS and owner in owners:
            yield Problem(
                f"models.{name}",
                name,
                f"a name that no part of {owner} has: not {owner}- and one of {', '.join(_PARTS)}",
                "Rename the model.",
            )
