"""What a cluster was started with, on disk beside it."""

import hashlib
import os
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from base.model import Model
from config.settings.cluster import ClusterConfig
from sim.command_lines import Layout
from sim.ports import free_port

_MEMORY = Path("/dev/shm")  # noqa: S108 - a tmpfs on every Linux; elsewhere the disk has to do


class Settings(Model):
    """Where a cluster is, and what is expected of it."""

    layout: Layout
    expects: ClusterConfig
    version: Literal[2]
    """Of the files beside it: a cluster with others cannot be gone on with."""

    def write(self) -> None:
        """Leave them in the cluster's folder."""
        _file(self.layout.home).write_text(self.model_dump_json())


def read_settings(home: Path) -> Settings | None:
    """What the cluster at *home* was started with; None if there is none, or no data of it."""
    try:
        settings = Settings.model_validate_json(_file(home).read_bytes())
    except (FileNotFoundError, ValidationError):  # none, or of another version of this program
        return None
    return settings if (settings.layout.data / "etcd").exists() else None


def new_layout(home: Path) -> Layout:
    """Where the parts of a cluster at *home* will be."""
    return Layout(home=home, data=data_folder(home), port=free_port())


def data_folder(home: Path) -> Path:
    """Where the cluster at *home* keeps what etcd stores: on memory if that is possible."""
    if not os.access(_MEMORY, os.W_OK):
        return home / "data"
    digest = hashlib.sha256(str(home.resolve()).encode()).hexdigest()
    return _MEMORY / f"private-ai-sim-{os.getuid()}-{digest[:12]}"


def _file(home: Path) -> Path:
    return home / "settings.json"
