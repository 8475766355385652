"""Kubeconfig files."""

import os
from base64 import b64encode
from collections.abc import Iterable
from pathlib import Path

import yaml

from base.model import Model


class Access(Model):
    """Access to one cluster, as an entry of a kubeconfig."""

    context: str
    """Context name, as in the stack's configuration."""
    server: str
    """URL of the API server."""
    tls: Path
    """Folder of ca.crt, admin.crt and admin.key."""


def write_kubeconfig(file: Path, entries: Iterable[Access]) -> None:
    """Write *file*, mode 0600, with one context per entry; the first is current."""
    entries = list(entries)
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {
                "name": entry.context,
                "cluster": {
                    "server": entry.server,
                    "certificate-authority-data": _encoded(entry.tls / "ca.crt"),
                },
            }
            for entry in entries
        ],
        "users": [
            {
                "name": entry.context,
                "user": {
                    "client-certificate-data": _encoded(entry.tls / "admin.crt"),
                    "client-key-data": _encoded(entry.tls / "admin.key"),
                },
            }
            for entry in entries
        ],
        "contexts": [
            {
                "name": entry.context,
                "context": {"cluster": entry.context, "user": entry.context},
            }
            for entry in entries
        ],
        "current-context": entries[0].context if entries else "",
    }
    scratch = file.with_name(f"{file.name}.new")
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as output:
        yaml.safe_dump(content, output, sort_keys=False)
    scratch.rename(file)


def _encoded(file: Path) -> str:
    return b64encode(file.read_bytes()).decode()
