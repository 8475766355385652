"""Render the resources of the program without an engine, a cluster or credentials.

The program runs on mocks of the engine, whose providers return placeholders. This shows the changed
inputs of a fork's pull request, but no replacements, drift or rejections by a cluster.
"""

import asyncio
import json
import runpy
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pulumi
from google.protobuf import empty_pb2
from pulumi.runtime import mocks, rpc
from pulumi.runtime.mocks import MockMonitor
from pulumi.runtime.settings import SETTINGS, set_root_resource
from pulumi.runtime.stack import run_in_stack
from pydantic import Field

from base.model import Model
from base.yaml_text import read_mapping
from review.events import STACK_TYPE, State
from review.redact import SECRET

_PLACEHOLDERS: Mapping[str, tuple[str, ...]] = {
    "random:index/randomPassword:RandomPassword": ("result",),
    "random:index/randomBytes:RandomBytes": ("hex", "base64"),
    "tls:index/privateKey:PrivateKey": ("privateKeyPem", "privateKeyPemPkcs8", "publicKeyPem"),
    "tls:index/selfSignedCert:SelfSignedCert": ("certPem",),
    "tls:index/certRequest:CertRequest": ("certRequestPem",),
    "tls:index/locallySignedCert:LocallySignedCert": ("certPem",),
}
"""Computed outputs that the program reads, by resource type."""
_NONE: Any = None  # pulumi sets it so itself, although its type excludes it


class PlannedResource(State):
    """A resource as the program registers it, with secrets redacted."""

    secrets: list[str] = Field(default_factory=list[str])
    """Top-level inputs marked secret, in whole or in part."""


class Render(Model):
    """All resources that the program registers in one stack."""

    stack: str
    resources: list[PlannedResource]
    outputs: dict[str, Any]
    """Outputs of the stack."""


def render(project: Path, stack: str) -> Render:
    """Run `__main__.py` of *project* with the settings of *stack*; its exceptions pass through.

    Raises base.yaml_text.YamlTextError if a file of the project is no YAML.
    """
    file = read_mapping(project / f"Pulumi.{stack}.yaml")
    settings = {key: _setting(value) for key, value in file["config"].items()}
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)  # pulumi's futures take the current one
    name = read_mapping(project / "Pulumi.yaml", "a Pulumi project: one mapping")["name"]
    recorder = _Recorder(name, stack)
    mocks.set_mocks(_Providers(), project=name, stack=stack, preview=True, monitor=recorder)
    secret = [key for key, value in file["config"].items() if _is_secret(value)]
    pulumi.runtime.set_all_config(settings, secret)
    set_root_resource(_NONE)  # the mocks created their own
    # What a program before this one left unfinished would be waited for, in a loop that has ended.
    unfinished: Any = SETTINGS
    unfinished.rpc_manager.clear()
    unfinished.outputs.clear()
    loop.run_until_complete(run_in_stack(lambda: _run(project / "__main__.py")))
    return Render(stack=stack, resources=recorder.planned, outputs=recorder.outputs)


def _run(program: Path) -> None:
    runpy.run_path(str(program), run_name="__main__")


def _is_secret(value: object) -> bool:
    return isinstance(value, Mapping) and set(value) == {"secure"}


def _setting(value: Any) -> str:  # noqa: ANN401 - YAML
    if _is_secret(value):
        return SECRET
    return value if isinstance(value, str) else json.dumps(value)


class _Providers(mocks.Mocks):
    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        computed = dict.fromkeys(_PLACEHOLDERS.get(args.typ, ()), SECRET)
        state: dict[str, Any] = {**args.inputs, **computed}
        if args.typ.startswith("kubernetes:"):
            state["metadata"] = {"name": args.name, **state.get("metadata", {})}
        if args.typ == "kubernetes:core/v1:Service":
            state["status"] = {"loadBalancer": {"ingress": [{"ip": "203.0.113.1"}]}}
        return args.name, state

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[str, Any], None]:
        message = f"the program invoked {args.token}, which needs a cluster"
        raise NotImplementedError(message)


@dataclass
class _Recorder(MockMonitor):
    project: str
    stack: str
    planned: list[PlannedResource] = field(default_factory=list[PlannedResource])
    outputs: dict[str, Any] = field(default_factory=dict[str, Any])

    def __post_init__(self) -> None:
        super().__init__(_Providers())

    def make_urn(self, parent: str, type_: str, name: str) -> str:
        """The URN in the engine's format, with the types of all parents but the stack."""
        types = parent.split("::")[2] if parent else ""
        qualified = type_ if types in ("", STACK_TYPE) else f"{types}${type_}"
        return f"urn:pulumi:{self.stack}::{self.project}::{qualified}::{name}"

    def RegisterResource(self, request: Any) -> Any:  # noqa: ANN401, N802 - the protocol's
        answer = super().RegisterResource(request)
        inputs = _blind(rpc.deserialize_properties(request.object, keep_unknowns=True))
        self.planned.append(
            PlannedResource(
                type=request.type,
                urn=answer.urn,
                custom=request.custom,
                parent=request.parent,
                protect=request.protect,
                retain_on_delete=request.retainOnDelete,
                inputs=inputs,
                secrets=[key for key, value in inputs.items() if _holds_secret(value)],
            )
        )
        return answer

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: ANN401, N802 - the protocol's
        if request.urn.split("::")[2] == STACK_TYPE:
            self.outputs |= _blind(rpc.deserialize_properties(request.outputs))  # sent twice
        return empty_pb2.Empty()


def _blind(value: Any) -> Any:  # noqa: ANN401 - JSON
    """*value* with secrets as `SECRET`, unknown values as None, and whole numbers as such."""
    if rpc.is_rpc_secret(value):
        return SECRET
    if isinstance(value, float) and value.is_integer():
        return int(value)  # protobuf has no integers
    if isinstance(value, dict):
        return {key: _blind(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_blind(item) for item in value]
    return value


def _holds_secret(value: Any) -> bool:  # noqa: ANN401 - JSON
    if isinstance(value, dict):
        return any(_holds_secret(item) for item in value.values())
    if isinstance(value, list):
        return any(_holds_secret(item) for item in value)
    return value == SECRET
