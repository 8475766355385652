"""The settings that a cluster was started with, in its folder."""

import hashlib
import os
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from base.model import Model
from config.settings.cluster import ClusterConfig
from sim.command_lines import Layout
from sim.ports import free_port

_MEMORY = Path("/dev/shm")  # noqa: S108 - a tmpfs on every Linux; elsewhere the disk is used


class Settings(Model):
    """The layout and configuration of a cluster."""

    layout: Layout
    expects: ClusterConfig
    version: Literal[2]
    """Version of the files in the folder; a cluster of another version cannot be resumed."""

    def write(self) -> None:
        """Write the settings to the cluster's folder."""
        _file(self.layout.home).write_text(self.model_dump_json())


def read_settings(home: Path) -> Settings | None:
    """The settings of the cluster in *home*; None if it or its data does not exist."""
    try:
        settings = Settings.model_validate_json(_file(home).read_bytes())
    except (FileNotFoundError, ValidationError):  # none, or from another version
        return None
    return settings if (settings.layout.data / "etcd").exists() else None


def new_layout(home: Path) -> Layout:
    """The layout of a new cluster in *home*."""
    return Layout(home=home, data=data_folder(home), port=free_port())


def data_folder(home: Path) -> Path:
    """The folder of etcd's data for the cluster in *home*; in memory if possible."""
    if not os.access(_MEMORY, os.W_OK):
        return home / "data"
    digest = hashlib.sha256(str(home.resolve()).encode()).hexdigest()
    return _MEMORY / f"private-ai-sim-{os.getuid()}-{digest[:12]}"


def _file(home: Path) -> Path:
    return home / "settings.json"
