"""What the program generates for a stack: all of `__main__.py`, from that stack's own YAML.

It runs on mocks of the engine that compute what the providers would: every password differs from
every other, and the realm's key is a real one, so that a file which names the wrong secret is found
out by the program that reads it.
"""

import asyncio
import hashlib
import json
import runpy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pytest
import yaml
from pulumi.runtime import mocks
from pulumi.runtime.stack import run_pulumi_func

from components import program
from config.load import load
from config.reference import KEY
from config.stack import StackConfig
from tests.conformance.peers.certificates import RsaKey
from tests.paths import ROOT
from tests.support import plain

STACKS = ("local", "staging", "prod")


@dataclass(frozen=True)
class Generated:
    """One stack, and every resource that the program asks for it."""

    stack: StackConfig
    resources: Mapping[tuple[str, str], Mapping[str, Any]]
    """Inputs, secrets in clear, by Pulumi type and name."""

    def secret(self, name: str) -> dict[str, str]:
        """The files of the Secret called *name*."""
        return dict(self.resources["kubernetes:core/v1:Secret", name]["stringData"])

    def config(self, name: str) -> dict[str, str]:
        """The files of the ConfigMap called *name*."""
        return dict(self.resources["kubernetes:core/v1:ConfigMap", name]["data"])

    def container(self, name: str, kind: str = "Deployment") -> dict[str, Any]:
        """The one container of the workload called *name*."""
        workload = self.resources[f"kubernetes:apps/v1:{kind}", name]
        [container] = workload["spec"]["template"]["spec"]["containers"]
        return dict(container)

    def environment(self, name: str, kind: str = "Deployment") -> dict[str, str]:
        """The environment of that container."""
        return {entry["name"]: entry["value"] for entry in self.container(name, kind)["env"]}

    def manifests(self) -> list[dict[str, Any]]:
        """Every Kubernetes object, under the name that the provider gives to what has none."""
        return [
            _whole({**inputs, "metadata": _named(name, inputs)})
            for (kind, name), inputs in self.resources.items()
            if kind.startswith("kubernetes:")
        ]


def configured(stack: str) -> dict[str, Any]:
    """What `Pulumi.<stack>.yaml` says under the program's own key."""
    content = yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text())
    return dict(content["config"][KEY])


def generate(
    stack: str, realm_key: RsaKey, authority: str, raw: Mapping[str, Any] | None = None
) -> Generated:
    """Run the program for *stack*, with *realm_key* for its realm and *authority* (PEM) as CA.

    *raw* is what the stack says, where that is not what its own YAML does.
    """
    raw = configured(stack) if raw is None else raw
    providers = _Providers(realm_key, authority)
    mocks.set_mocks(providers, project="private-ai", stack=stack, preview=False)
    pulumi.runtime.set_all_config({KEY: json.dumps(raw)})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(program, "watch", lambda _: None)  # there is no cluster to look at
        asyncio.get_event_loop().run_until_complete(run_pulumi_func(_main))
    return Generated(load(raw, stack), providers.asked)


def _main() -> None:
    runpy.run_path(str(ROOT / "__main__.py"))


class _Providers(mocks.Mocks):
    def __init__(self, realm_key: RsaKey, authority: str) -> None:
        self._realm_key = realm_key
        self._authority = authority
        self.asked: dict[tuple[str, str], dict[str, Any]] = {}

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        inputs = plain(args.inputs)
        self.asked[args.typ, args.name] = inputs
        state = {**inputs, **self._computed(args.typ, args.name, inputs)}
        return f"{args.name}-id", state

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[str, Any], None]:
        message = f"the program invoked {args.token}, which needs a cluster"
        raise AssertionError(message)

    def _computed(self, kind: str, name: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        state: dict[str, Any] = {}
        match kind:
            case "random:index/randomPassword:RandomPassword":
                digest = hashlib.sha512(name.encode()).hexdigest()
                state = {"result": digest[: int(inputs["length"])]}
            case "tls:index/privateKey:PrivateKey" if inputs["algorithm"] == "RSA":
                state = {
                    "privateKeyPem": self._realm_key.private_key_pem,
                    "privateKeyPemPkcs8": self._realm_key.private_key_pem_pkcs8,
                    "publicKeyPem": self._realm_key.public_key_pem,
                }
            case "tls:index/privateKey:PrivateKey":  # of certificates, which this machine replaces
                state = {"privateKeyPem": f"key of {name}", "privateKeyPemPkcs8": f"key of {name}"}
            case "tls:index/selfSignedCert:SelfSignedCert":
                state = {"certPem": self._authority}
            case "tls:index/certRequest:CertRequest":
                state = {"certRequestPem": f"request of {name}"}
            case "tls:index/locallySignedCert:LocallySignedCert":
                state = {"certPem": f"certificate of {name}"}
            case "kubernetes:core/v1:Service":
                ingress = {"loadBalancer": {"ingress": [{"ip": "203.0.113.1"}]}}
                state = {"metadata": _named(name, inputs), "status": ingress}
            case _ if kind.startswith("kubernetes:"):
                state = {"metadata": _named(name, inputs)}
            case _:
                pass
        return state


def _named(name: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": f"{name}-auto", **inputs.get("metadata", {})}


def _whole(value: Any) -> Any:
    """*value* with the whole numbers whole that the engine's protocol made floating."""
    if isinstance(value, Mapping):
        return {key: _whole(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_whole(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
