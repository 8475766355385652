"""The CustomResourceDefinitions of each operator."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from base.model import Model
from config.settings.cluster import Operator
from sim.operators import cloudnative_pg, minio
from sim.toolchain import Modules

_OWN = Path(__file__).parent / "types"
_BASES = "config/crd/bases"

# (API version, CRD files in the module). Only CRDs that the stack uses: not Karpenter's
# NodeOverlays (behind a feature gate), not Cluster API's add-ons.
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


class OperatorCrds(Model):
    """CRDs of one operator and API version, one per file."""

    group_version: str
    files: list[Path]


def operator_crds(operators: Sequence[Operator], modules: Modules) -> list[OperatorCrds]:
    """The CRDs of *operators*: from their modules; for MinIO and OpenNebula, from this folder."""
    entries = [
        OperatorCrds(
            group_version=version, files=sorted(modules.module_dir(operator).glob(pattern))
        )
        for operator in operators
        for version, pattern in _FROM_MODULES.get(operator, [])
    ]
    if "minio" in operators:
        files = sorted(_OWN.glob("minio-*.yaml"))
        entries.append(OperatorCrds(group_version=minio.API_VERSION, files=files))
    if "cluster-api" in operators:
        files = sorted(_OWN.glob("opennebula-*.yaml"))
        group_version = "infrastructure.cluster.x-k8s.io/v1beta1"
        entries.append(OperatorCrds(group_version=group_version, files=files))
    return entries
