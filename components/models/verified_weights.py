"""The gate in front of every server: an init container that lets only verified weights through.

docs/adr/0011-weights-verified-once-a-node.md says why the stamps are where they are.
"""

from dataclasses import dataclass, replace

import pulumi_kubernetes as k8s

from components.common.contracts import StoredModel
from components.common.pod import USER, Mount, config_files, container, disk
from components.common.tier import Tier
from config import footprints

PROGRAM = "/opt/private-ai"
"""On PYTHONPATH; the package `weights` is below it."""
STAMPS = "/stamps"
STAMPS_FOLDER = ".verified"
"""On the model's volume. Verifying pods write to it, and to it alone; servers, which mount the
whole volume read-only, can read it and change nothing."""

PYTHON = {"PYTHONPATH": PROGRAM, "PYTHONDONTWRITEBYTECODE": "1"}


@dataclass(frozen=True)
class VerifiedWeights:
    """What a pod needs so that its server starts on verified weights or not at all."""

    init: k8s.core.v1.ContainerArgsDict
    """Before the server: fails, and names the file, when one is not what it should be."""
    weights: Mount
    """For the server: the volume, which it can only read."""
    files: tuple[Mount, ...]
    """Volumes of the init container, which the pod has to list and the server does not mount."""


def verified_weights(tier: Tier, stored: StoredModel, name: str = "weights") -> VerifiedWeights:
    """The gate for *stored*; *name* tells several models of one pod apart.

    A pod takes `init` among its init containers, `weights` and `files` among its volumes, and
    `weights` among the mounts of the server.
    """
    # One volume, mounted twice: two volumes of one claim keep a pod waiting for ever
    # (kubernetes/kubernetes#132921).
    whole = disk(name, stored.claim, stored.root)
    weights = replace(whole, read_only=True)
    stamps = Mount(name, STAMPS, None, read_only=False, sub_path=STAMPS_FOLDER)
    program = config_files(f"{name}-verifier", stored.verifier, f"{PROGRAM}/weights")
    verify = container(
        f"verify-{name}",
        tier.image("python"),
        footprints.VERIFY,
        command=["python", "-m", "weights.verify"],
        args=[stored.expected, STAMPS],
        mounts=[weights, stamps, program],
    )
    verify["env"] = [
        *({"name": key, "value": value} for key, value in PYTHON.items()),
        {"name": "NODE_NAME", "value_from": {"field_ref": {"field_path": "spec.nodeName"}}},
    ]
    # The user that fetched them, whoever the server runs as: the stamps are this user's.
    verify["security_context"] = {
        "run_as_user": USER,
        "run_as_group": USER,
        "run_as_non_root": True,
        "allow_privilege_escalation": False,
        "read_only_root_filesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    # So that whoever describes the pod reads the name of the wrong file.
    verify["termination_message_policy"] = "FallbackToLogsOnError"
    return VerifiedWeights(verify, weights, (program,))
