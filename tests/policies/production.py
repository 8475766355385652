"""What the program asks for in a stack, on mocks, as the pack gets it in an update."""

import json
import runpy
from functools import cache

import yaml

from policies import Resource, facts
from policies.adapter import kind_of
from policies.rules.model import Managed
from policies.waivers import Waivers, load, with_stack
from tests.paths import ROOT
from tests.policies.manifests import Manifest, change
from tests.support import Asked, deploy


@cache
def resources(stack: str) -> tuple[Resource, ...]:
    """The Kubernetes objects of *stack*, from its own YAML; not to be changed."""
    settings = yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text())["config"]
    config = {key: v if isinstance(v, str) else json.dumps(v) for key, v in settings.items()}
    asked = deploy(_program, config)
    return tuple(_resource(a, stack) for a in asked.values() if kind_of(a.type))


def _program() -> None:
    runpy.run_path(str(ROOT / "__main__.py"), run_name="__main__")


def _resource(asked: Asked, stack: str) -> Resource:
    return Resource(
        kind_of(asked.type),
        _named(asked.inputs, asked.name),
        f"urn:pulumi:{stack}::private-ai::{asked.type}::{asked.name}",
        Managed(asked.protect, asked.secrets),
        facts.of_file(ROOT / f"Pulumi.{stack}.yaml"),
    )


def _named(inputs: Manifest, name: str) -> Manifest:
    """*inputs* with the name that the provider gives to what has none, and its mark of that."""
    if "name" in inputs.get("metadata", {}):
        return inputs
    return change(
        inputs,
        *(("metadata", "name"), f"{name}-auto"),
        *(("metadata", "annotations", "pulumi.com/autonamed"), "true"),
    )


def waivers_of(stack: str) -> Waivers:
    """The waivers that are in force for *stack*, on one day."""
    return with_stack(load(), ROOT, stack)
