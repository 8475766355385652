#!/usr/bin/env python3
"""Signs a CI job in to a cluster by the job's own identity, without a stored secret.

    sign_in.py kubeconfig STACK FILE   write a kubeconfig for the context that the stack expects
    sign_in.py token                   print an ExecCredential; the kubeconfig runs this

The identity is a JWT for PAI_CLUSTER_AUDIENCE that the cluster's API server trusts by its
AuthenticationConfiguration (docs/how-to/pull-requests.md). GitHub and Forgejo issue one on request;
GitLab sets PAI_ID_TOKEN. A token is valid for minutes, a deployment takes longer: the kubeconfig
holds no token, but requests a new one whenever the last has expired.

PAI_CLUSTER_SERVER is the API server's https:// URL, PAI_CLUSTER_CA its CA certificate in base64.
Standard library and PyYAML only.
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
"""Seconds before its expiry at which a token is reported as expired."""


def main() -> None:
    """Run the command; exit with a message, which never holds a secret, if something is missing."""
    match sys.argv[1:]:
        case ["kubeconfig", stack, file]:
            Path(file).write_text(json.dumps(kubeconfig(stack)), encoding="utf-8")
        case ["token"]:
            sys.stdout.write(json.dumps(credential(identity())))
        case _:
            sys.exit(__doc__)


def kubeconfig(stack: str) -> dict[str, object]:
    """A kubeconfig whose user runs this file as a credential plugin."""
    settings = yaml.safe_load(Path(f"Pulumi.{stack}.yaml").read_text(encoding="utf-8"))
    context = settings["config"]["private-ai:stack"]["cluster"]["context"]
    server = _required("PAI_CLUSTER_SERVER")
    if not server.startswith("https://"):
        sys.exit("PAI_CLUSTER_SERVER must start with https://")
    command = {
        "apiVersion": _API,
        "command": sys.executable,
        "args": [str(Path(__file__).resolve()), "token"],
        "interactiveMode": "Never",
    }
    cluster = {"server": server, "certificate-authority-data": _required("PAI_CLUSTER_CA")}
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
    if token := os.environ.get("PAI_ID_TOKEN"):
        return token
    address = _required("ACTIONS_ID_TOKEN_REQUEST_URL")
    audience = urllib.parse.quote(_required("PAI_CLUSTER_AUDIENCE"), safe="")
    request = urllib.request.Request(  # noqa: S310 - the runner's own address
        f"{address}{'&' if '?' in address else '?'}audience={audience}",
        headers={"Authorization": f"Bearer {_required('ACTIONS_ID_TOKEN_REQUEST_TOKEN')}"},
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            return str(json.load(answer)["value"])
    except (OSError, ValueError, KeyError) as error:
        sys.exit(f"the forge issued no identity to this job: {type(error).__name__}")


def credential(token: str) -> dict[str, object]:
    """An ExecCredential: https://kubernetes.io/docs/reference/access-authn-authz/authentication/."""
    try:
        body = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        expiry = datetime.fromtimestamp(int(claims["exp"]) - _MARGIN, UTC)
    except (IndexError, ValueError, KeyError, TypeError):
        sys.exit("the forge's identity is not a JWT with an expiry (exp)")
    status = {"token": token, "expirationTimestamp": expiry.strftime("%Y-%m-%dT%H:%M:%SZ")}
    return {"apiVersion": _API, "kind": "ExecCredential", "status": status}


def _required(name: str) -> str:
    value = os.environ.get(name)
    if not value:
        sys.exit(f"{name} is not set; see docs/how-to/pull-requests.md")
    return value


if __name__ == "__main__":
    main()
