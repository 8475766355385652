"""The resource types that an operator brings to a cluster."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from base.model import Model
from config.settings.cluster import Operator
from sim.operators import cloudnative_pg, minio
from sim.toolchain import Modules

_OWN = Path(__file__).parent / "types"
_BASES = "config/crd/bases"

# (group and version, the files of its types in the module). Only those that somebody uses:
# Karpenter has NodeOverlays too, behind a gate, and nobody asks for Cluster API's add-ons.
_FROM_MODULES: Final[dict[Operator, list[tuple[str, str]]]] = {
    "cloudnative-pg": [(cloudnative_pg.API_VERSION, f"{_BASES}/*.yaml")],
    "leader-worker-set": [("leaderworkerset.x-k8s.io/v1", f"{_BASES}/*.yaml")],
    "keda": [
        ("keda.sh/v1alpha1", f"{_BASES}/keda.sh_*.yaml"),
        ("eventing.keda.sh/v1alpha1", f"{_BASES}/eventing.keda.sh_*.yaml"),
    ],
    "karpenter": [("karpenter.sh/v1", "pkg/apis/crds/karpenter.sh_node[cp]*.yaml")],
    "cluster-api": [
        ("cluster.x-k8s.io/v1beta2", f"{_BASES}/cluster.x-k8s.io_*.yaml"),
        ("bootstrap.cluster.x-k8s.io/v1beta2", f"bootstrap/kubeadm/{_BASES}/*.yaml"),
    ],
    "inference-extension": [
        (
            "inference.networking.k8s.io/v1",
            f"{_BASES}/inference.networking.k8s.io_inferencepools.yaml",
        ),
        (
            "inference.networking.x-k8s.io/v1alpha2",
            f"{_BASES}/inference.networking.x-k8s.io_inference[mo]*.yaml",
        ),
    ],
}


class Installed(Model):
    """CustomResourceDefinitions of one operator, one a file, all of one group and version."""

    group_version: str
    files: list[Path]


def installed(operators: Sequence[Operator], modules: Modules) -> list[Installed]:
    """What *operators* install: its own types, from its module; ours for MinIO and OpenNebula."""
    entries = [
        Installed(group_version=version, files=sorted(modules.module_dir(operator).glob(pattern)))
        for operator in operators
        for version, pattern in _FROM_MODULES.get(operator, [])
    ]
    if "minio" in operators:
        files = sorted(_OWN.glob("minio-*.yaml"))
        entries.append(Installed(group_version=minio.API_VERSION, files=files))
    if "cluster-api" in operators:
        files = sorted(_OWN.glob("opennebula-*.yaml"))
        group_version = "infrastructure.cluster.x-k8s.io/v1beta1"
        entries.append(Installed(group_version=group_version, files=files))
    return entries
