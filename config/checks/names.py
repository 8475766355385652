"""Checks that names from the settings do not collide with names of other objects, nor are theirs.

That a name has the right form and length is the business of its type (config/settings/keys.py);
here is what depends on other names.
"""

from collections.abc import Iterator
from typing import Final

from base.problems import Problem
from config.settings.keys import LONGEST_WITH_ADAPTER
from config.stack import StackConfig

_COMPONENTS: Final = frozenset(
    {
        *("platform", "llm-storage", "qdrant", "keycloak-db", "open-webui-db", "redis", "keycloak"),
        *("router", "open-webui", "observability", "kong", "weights-programs"),
    }
)
"""Component names in every stack (__main__.py, components/data/deploy.py)."""

_PODS: Final = frozenset(
    {
        *("prometheus", "alertmanager", "grafana", "qdrant-collections", "open-webui-migrate"),
        *("llm-storage-qdrant-llm-backups", "cnpg-operator", "minio-operator"),
    }
)
"""Sets of pods in every stack: two sets of one name would share a NetworkPolicy
(components/common/network.py)."""

_PARTS: Final = (
    *("members", "tls", "weights", "picker", "prefill", "autoscaler"),
    *("weights-fetch", "servers", "dcgm"),
)
"""Suffixes of objects and sets of pods `<component>-<part>` of which a model also has one under its
own name."""

_SPECIAL_MODELS: Final = frozenset(
    {
        *("all-proxy-models", "all-team-models", "no-default-models"),
        "arena-model",
    }
)
"""Models by which LiteLLM means sets of models (`SpecialModelNames`, litellm/proxy/_types.py), and
the one that Open WebUI adds itself (backend/open_webui/config.py)."""

_TEAMS: Final = {
    "open-webui": "the chat itself uses it at the router",
    "people": "the gateway counts everyone with an access token under it",
    "anonymous": "the gateway counts requests without a valid key under it",
}
"""Consumers that are no teams (__main__.py, components/gateway/kong_config.py)."""


def name_problems(config: StackConfig) -> Iterator[Problem]:
    """Every model, adapter and team with a name that is taken, and adapters with too long a one."""
    yield from _models(config)
    yield from _special_models(config)
    yield from _adapters(config)
    for team in _TEAMS.keys() & config.teams.keys():
        yield Problem(
            f"teams.{team}",
            team,
            f"any other name: {_TEAMS[team]}",
            "Rename the team."
            + (
                " Limits for the chat are set in open_webui.limits." if team == "open-webui" else ""
            ),
        )


def _special_models(config: StackConfig) -> Iterator[Problem]:
    for name, model in config.models.items():
        named = {f"models.{name}": name}
        named |= {
            f"models.{name}.vllm.adapters.{adapter}": adapter for adapter in model.vllm.adapters
        }
        for path, served in named.items():
            if served in _SPECIAL_MODELS:
                yield Problem(
                    path,
                    served,
                    f"a name that the router and the chat have no other use for: not"
                    f" {', '.join(sorted(_SPECIAL_MODELS))}",
                    "Rename the model.",
                )


def _adapters(config: StackConfig) -> Iterator[Problem]:
    for name, model in config.models.items():
        for adapter in model.vllm.adapters:
            if len(name) + len(adapter) > LONGEST_WITH_ADAPTER:
                yield Problem(
                    f"models.{name}.vllm.adapters.{adapter}",
                    f"{len(name) + len(adapter)} characters, with the model's name",
                    f"at most {LONGEST_WITH_ADAPTER}: its download Job is named after both",
                    "Rename the adapter or the model.",
                )


def _models(config: StackConfig) -> Iterator[Problem]:
    """Every model with the name of another component, or of a part of one."""
    taken = _COMPONENTS | _PODS | set(config.pools)
    owners = taken | set(config.models)
    for name in sorted(config.models):
        parts = [part for part in _PARTS if name.removesuffix(f"-{part}") in owners - {name}]
        if name in taken:
            yield Problem(
                f"models.{name}",
                name,
                f"a name that no other component has: not {', '.join(sorted(taken))}",
                "Rename the model.",
            )
        elif parts:
            owner = name.removesuffix(f"-{parts[0]}")
            yield Problem(
                f"models.{name}",
                name,
                f"a name that no part of {owner} has: not {owner}- and one of {', '.join(_PARTS)}",
                "Rename the model.",
            )
