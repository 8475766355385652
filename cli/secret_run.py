"""The Secrets that people need, found in the state; their values, read from the cluster."""

import base64
from typing import NamedTuple

from base.problems import Problem
from cli.deployed import Deployed, namespace_of
from cli.errors import CommandError


class Place(NamedTuple):
    """Where a secret is; never its value."""

    namespace: str
    secret: str
    keys: list[str]


def places(found: Deployed) -> dict[str, Place]:
    """The Secrets of the outputs, by the name that people know: a role, or a team."""
    outputs = found.outputs
    listed: dict[str, Place] = {}
    # Their keys: components/auth/keycloak.py, components/monitoring/grafana.py.
    for name, output, keys in (
        ("administrator", "administrator", ["username", "password"]),
        ("grafana", "grafana_administrator", ["admin-password"]),
    ):
        if output in outputs:
            namespace, _, secret = str(outputs[output]).partition("/")
            listed[name] = Place(namespace, secret, keys)
    for team, secret in outputs.get("team_keys", {}).items():
        listed[team] = Place(_namespace(found, secret), secret, ["api-key"])
    return listed


def values(found: Deployed, place: Place) -> dict[str, str]:
    """The content of the Secret at *place*. Raises CommandError if it is not there."""
    with found.reader() as reader:
        read = reader.get(f"/api/v1/namespaces/{place.namespace}/secrets/{place.secret}")
    data = (read or {}).get("data") or {}
    missing = [key for key in place.keys if key not in data]
    if missing:
        raise CommandError(
            Problem(
                path=f"Secret {place.namespace}/{place.secret}",
                got="no such Secret" if read is None else f"no {' and no '.join(missing)} in it",
                allowed="the Secret that the stack created",
                change=f"`pai drift --stack {found.stack}` shows what else was changed by hand",
            )
        )
    return {key: base64.b64decode(data[key]).decode() for key in place.keys}


def command(found: Deployed, place: Place) -> str:
    """The `kubectl` command that prints it."""
    key = place.keys[-1].replace(".", r"\.")
    return (
        f"kubectl --context {found.context} --namespace {place.namespace} get secret {place.secret}"
        f" --output jsonpath='{{.data.{key}}}' | base64 --decode"
    )


def _namespace(found: Deployed, secret: str) -> str:
    for resource in found.resources:
        metadata = (resource.get("outputs") or {}).get("metadata")
        if isinstance(metadata, dict) and metadata.get("name") == secret:
            return namespace_of(resource)
    return ""
