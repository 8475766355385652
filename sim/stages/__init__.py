"""The stages that kwok runs: YAML files in this folder, and the code that joins them."""

from pathlib import Path
from string import Template
from textwrap import indent

from config.settings.cluster import ClusterConfig, StorageClassConfig

_FOLDER = Path(__file__).parent


def stage_documents(cluster: ClusterConfig) -> str:
    """All stages of *cluster* as one YAML stream; volume stages once per storage class."""
    documents = [(_FOLDER / f"{kind}.yaml").read_text() for kind in ("node", "pod", "service")]
    documents += [_volume_stages(entry) for entry in cluster.storage_classes]
    return "---\n".join(documents)


def _volume_stages(entry: StorageClassConfig) -> str:
    fields = entry.model_dump()
    volume = Template((_FOLDER / "persistent-volume.gotmpl").read_text()).substitute(fields)
    stages = Template((_FOLDER / "volume.yaml").read_text())
    return stages.substitute(fields, volume=indent(volume, " " * 10).rstrip())
