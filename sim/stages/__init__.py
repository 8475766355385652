"""The stages kwok plays: YAML beside this file, and what joins them."""

from pathlib import Path
from string import Template
from textwrap import indent

from config.settings.cluster import ClusterConfig, StorageClassConfig

_FOLDER = Path(__file__).parent


def stage_documents(cluster: ClusterConfig) -> str:
    """All stages for *cluster* as one YAML stream; volumes once for each of its storage classes."""
    documents = [(_FOLDER / f"{kind}.yaml").read_text() for kind in ("node", "pod", "service")]
    documents += [_volume_stages(entry) for entry in cluster.storage_classes]
    return "---\n".join(documents)


def _volume_stages(entry: StorageClassConfig) -> str:
    fields = entry.model_dump()
    volume = Template((_FOLDER / "persistent-volume.gotmpl").read_text()).substitute(fields)
    stages = Template((_FOLDER / "volume.yaml").read_text())
    return stages.substitute(fields, volume=indent(volume, " " * 10).rstrip())
