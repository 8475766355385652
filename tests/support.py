"""Recorded mocks: what a program asks of the engine, with edges, protection and secrets."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi
from pulumi.runtime import mocks, rpc
from pulumi.runtime.mocks import MockMonitor
from pulumi.runtime.stack import run_pulumi_func

from components import sdk_overhead
from components.common.network import Firewall
from components.common.pki import Authority, AuthorityArgs
from components.common.tier import Tier

_COMPUTED: dict[str, dict[str, str]] = {
    "random:index/randomPassword:RandomPassword": {"result": "canary-password"},
    "random:index/randomBytes:RandomBytes": {"hex": "canary-hex", "base64": "canary-base64"},
    "tls:index/privateKey:PrivateKey": {
        "privateKeyPem": "canary-private-key",
        "privateKeyPemPkcs8": "canary-private-key-pkcs8",
        "publicKeyPem": "public-key",
    },
    "tls:index/selfSignedCert:SelfSignedCert": {"certPem": "ca-certificate"},
    "tls:index/certRequest:CertRequest": {"certRequestPem": "request"},
    "tls:index/locallySignedCert:LocallySignedCert": {"certPem": "certificate"},
}
"""What the providers compute; whatever is secret begins with `canary`."""


# How the engine's protocol marks a secret, pulumi/sdk/go/common/resource/properties.go.
_SIGNATURE = "4dabf18193072939515e22adb298388d"
_SECRET = "1b47061264138c4ac30d75fd1eb44270"


_FIREWALL = [Firewall()]
"""Of the program that `deploy` runs now."""


@dataclass(frozen=True)
class Asked:
    """One resource as the program asked for it."""

    type: str
    name: str
    inputs: dict[str, Any]
    parent: str
    depends_on: frozenset[str]
    """URNs of everything its inputs were read from, and of its explicit dependencies."""
    protect: bool
    retain: bool
    secrets: frozenset[str]
    """Top-level inputs marked secret, in whole or in part."""


class Recorded(dict[tuple[str, str], Asked]):
    """Everything asked for, by Pulumi type and name."""

    def of(self, type_: str) -> list[Asked]:
        """All resources of *type_*, such as `kubernetes:apps/v1:Deployment`."""
        return [asked for (kind, _), asked in self.items() if kind == type_]

    def one(self, type_: str, name: str) -> Asked:
        """That one, or a KeyError that lists the names there are."""
        try:
            return self[type_, name]
        except KeyError:
            names = sorted(n for kind, n in self if kind == type_)
            message = f"no {type_} called {name}; there are {names}"
            raise KeyError(message) from None


def openings(asked: Recorded) -> dict[str, list[int]]:
    """Ports (none: every port) of each opening of the NetworkPolicies of components.

    Keys are `SERVER-from-PEER` and `CLIENT-to-PEER`; a PEER is the name of pods, or a CIDR.
    """
    policies = {
        asked.name.removesuffix("-allow"): asked.inputs["spec"]
        for asked in asked.of("kubernetes:networking.k8s.io/v1:NetworkPolicy")
        if asked.name.endswith("-allow")
    }
    names = {_labels(spec["podSelector"]): name for name, spec in policies.items()}

    def peer_name(peer: dict[str, Any]) -> str:
        if "ipBlock" in peer:
            return str(peer["ipBlock"]["cidr"])
        labels = _labels(peer["podSelector"])
        if labels in names:
            return names[labels]
        namespace = str(peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"])
        return dict(labels).get("app.kubernetes.io/instance") or namespace

    return {
        f"{name}-{word}-{peer_name(peer)}": [port["port"] for port in rule["ports"]]
        for name, spec in policies.items()
        for field, word in (("ingress", "from"), ("egress", "to"))
        for rule in spec.get(field, [])
        for peer in rule[word]
    }


def _labels(selector: dict[str, Any]) -> frozenset[tuple[str, str]]:
    return frozenset(selector.get("matchLabels", {}).items())


class _Providers(mocks.Mocks):
    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        state: dict[str, Any] = {**args.inputs, **_COMPUTED.get(args.typ, {})}
        if args.typ.startswith("kubernetes:"):
            state["metadata"] = {"name": f"{args.name}-auto", **state.get("metadata", {})}
        if args.typ == "kubernetes:core/v1:Service":
            state["status"] = {"loadBalancer": {"ingress": [{"ip": "203.0.113.1"}]}}
        return f"{args.name}-id", state

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[str, Any], None]:
        message = f"the program invoked {args.token}, which needs a cluster"
        raise AssertionError(message)


@dataclass
class _Recorder(MockMonitor):
    recorded: Recorded = field(default_factory=Recorded)

    def __post_init__(self) -> None:
        super().__init__(_Providers())

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - the protocol's name
        edges = {urn for deps in request.propertyDependencies.values() for urn in deps.urns}
        self.recorded[request.type, request.name] = Asked(
            type=request.type,
            name=request.name,
            inputs=plain(rpc.deserialize_properties(request.object)),
            parent=request.parent,
            depends_on=frozenset(edges | set(request.dependencies)),
            protect=request.protect,
            retain=request.retainOnDelete,
            secrets=frozenset(
                key for key in request.object.fields if _holds_secret(request.object.fields[key])
            ),
        )
        return super().RegisterResource(request)


def plain(value: Any) -> Any:
    """*value* with secrets unwrapped."""
    if rpc.is_rpc_secret(value):
        return plain(rpc.unwrap_rpc_secret(value))
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


def _holds_secret(value: Any) -> bool:
    kind = value.WhichOneof("kind")
    if kind == "list_value":
        return any(_holds_secret(item) for item in value.list_value.values)
    if kind == "struct_value":
        fields = value.struct_value.fields
        if _SIGNATURE in fields:
            return fields[_SIGNATURE].string_value == _SECRET
        return any(_holds_secret(item) for item in fields.values())
    return False


def deploy(program: Callable[[], None], config: Mapping[str, str] | None = None) -> Recorded:
    """Run *program* on mocks until nothing is left to register; returns what it asked for.

    What the tiers of `tier` were asked to open is opened at the end, as `Platform.open` does.
    """
    _FIREWALL[0] = Firewall()

    def whole() -> None:
        program()
        _FIREWALL[0].enforce()

    recorder = _Recorder()
    mocks.set_mocks(
        _Providers(), project="private-ai", stack="test", preview=False, monitor=recorder
    )
    pulumi.runtime.set_all_config(dict(config or {}))
    sdk_overhead.reduce()
    asyncio.get_event_loop().run_until_complete(run_pulumi_func(whole))
    return recorder.recorded


def tier(namespace: str = "tier", *, disposable: bool = False) -> Tier:
    """A tier for one component alone."""
    return Tier(
        name="data",
        namespace=pulumi.Output.from_input(namespace),
        priority_class=pulumi.Output.from_input("standard"),
        authority=Authority("authority", AuthorityArgs(organization="Test")),
        image=lambda key: f"registry.test/{key}:1",
        storage_class="fast",
        firewall=_FIREWALL[0],
        disposable=disposable,
    )
