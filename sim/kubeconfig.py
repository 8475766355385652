"""Kubeconfig files."""

import os
from base64 import b64encode
from collections.abc import Iterable
from pathlib import Path

import yaml

from base.model import Model


class Access(Model):
    """One way into one cluster."""

    context: str
    """The name by which a stack asks for it."""
    server: str
    """URL of the API server."""
    tls: Path
    """Folder with ca.crt, admin.crt and admin.key."""


def write_kubeconfig(file: Path, entries: Iterable[Access]) -> None:
    """Write *file*, for its owner only, with one context an entry; the first is the current one."""
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
