#!/usr/bin/env python3
"""Signs a CI job in to a cluster by the job's own identity: there is no secret to keep, or to lose.

    sign_in.py kubeconfig STACK FILE   write a kubeconfig for the context that the stack expects
    sign_in.py token                   an ExecCredential: what that kubeconfig runs

The identity is a JWT for PAI_CLUSTER_AUDIENCE that the cluster's API server trusts by its
AuthenticationConfiguration (docs/how-to/pull-requests.md). GitHub and Forgejo give a job one
whenever it asks; GitLab puts it into PAI_ID_TOKEN. A token lives for minutes, a deployment longer:
so the kubeconfig holds no token, and asks for one each time the last has run out.

PAI_CLUSTER_SERVER is the API server's https:// address, PAI_CLUSTER_CA its certificate authority in
base64. Standard library and PyYAML only.
"""

import base64
import json
import os
import sys
import urllib.parse
import urllib.request
from datetime import UTC, datetime
from pathlib import Path

import yaml

_API = "client.authentication.k8s.io/v1"
_MARGIN = 30
"""Seconds before its end at which a token is called over."""


def main() -> None:
    """Do what the arguments say; what is missing ends it with a sentence, and no secret."""
    match sys.argv[1:]:
        case ["kubeconfig", stack, file]:
            Path(file).write_text(json.dumps(kubeconfig(stack)), encoding="utf-8")
        case ["token"]:
            sys.stdout.write(json.dumps(credential(identity())))
        case _:
            sys.exit(__doc__)


def kubeconfig(stack: str) -> dict[str, object]:
    """A kubeconfig whose user runs this file."""
    settings = yaml.safe_load(Path(f"Pulumi.{stack}.yaml").read_text(encoding="utf-8"))
    context = settings["config"]["private-ai:stack"]["cluster"]["context"]
    server = _given("PAI_CLUSTER_SERVER")
    if not server.startswith("https://"):
        sys.exit("PAI_CLUSTER_SERVER has to begin with https://")
    command = {
        "apiVersion": _API,
        "command": sys.executable,
        "args": [str(Path(__file__).resolve()), "token"],
        "interactiveMode": "Never",
    }
    cluster = {"server": server, "certificate-authority-data": _given("PAI_CLUSTER_CA")}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": context,
        "contexts": [{"name": context, "context": {"cluster": "cluster", "user": "job"}}],
        "clusters": [{"name": "cluster", "cluster": cluster}],
        "users": [{"name": "job", "user": {"exec": command}}],
    }


def identity() -> str:
    """The job's JWT."""
    if given := os.environ.get("PAI_ID_TOKEN"):
        return given
    address = _given("ACTIONS_ID_TOKEN_REQUEST_URL")
    audience = urllib.parse.quote(_given("PAI_CLUSTER_AUDIENCE"), safe="")
    asked = urllib.request.Request(  # noqa: S310 - the runner's own address
        f"{address}{'&' if '?' in address else '?'}audience={audience}",
        headers={"Authorization": f"Bearer {_given('ACTIONS_ID_TOKEN_REQUEST_TOKEN')}"},
    )
    try:
        with urllib.request.urlopen(asked, timeout=30) as answer:  # noqa: S310
            return str(json.load(answer)["value"])
    except (OSError, ValueError, KeyError) as error:
        sys.exit(f"the forge gave this job no identity: {type(error).__name__}")


def credential(token: str) -> dict[str, object]:
    """What client-go takes from a command: client-go credential plugins, kubernetes.io."""
    try:
        body = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        over = datetime.fromtimestamp(int(claims["exp"]) - _MARGIN, UTC)
    except (IndexError, ValueError, KeyError, TypeError):
        sys.exit("the forge's identity is no JWT with an end")
    status = {"token": token, "expirationTimestamp": over.strftime("%Y-%m-%dT%H:%M:%SZ")}
    return {"apiVersion": _API, "kind": "ExecCredential", "status": status}


def _given(name: str) -> str:
    value = os.environ.get(name)
    if not value:
        sys.exit(f"{name} is not set: docs/how-to/pull-requests.md says where it comes from")
    return value


if __name__ == "__main__":
    main()
