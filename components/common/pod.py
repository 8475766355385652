"""Builders of pods and containers, hardened by default.

The defaults satisfy the `restricted` Pod Security Standard.
https://kubernetes.io/docs/concepts/security/pod-security-standards/
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pulumi_kubernetes as k8s

from base.quantity import Resources, parse
from components.common.args import MaybeOutput
from components.common.contracts import GpuPlacement
from components.common.labels import Labels

USER = 10001
"""UID and GID where an image does not bring its own; above 10000, so never a user of the node."""


@dataclass(frozen=True)
class Mount:
    """A volume and its mount path in a container."""

    name: str
    path: str
    volume: k8s.core.v1.VolumeArgsDict | None
    """Volume of the pod; None for the claim templates of a StatefulSet."""
    read_only: bool = True
    sub_path: str | None = None
    propagation: str | None = None
    """Kubernetes' `mountPropagation`."""
    scratch_size: str | None = None
    """Size of an empty volume on the disk of the node."""

    def shared_with_node(self) -> "Mount":
        """The same mount; what a privileged container mounts below it appears on the node."""
        return replace(self, propagation="Bidirectional")

    def mount(self) -> k8s.core.v1.VolumeMountArgsDict:
        """`volumeMount` of the container."""
        mount: k8s.core.v1.VolumeMountArgsDict = {
            "name": self.name,
            "mount_path": self.path,
            "read_only": self.read_only,
        }
        if self.sub_path:
            mount["sub_path"] = self.sub_path
        if self.propagation:
            mount["mount_propagation"] = self.propagation
        return mount


def secret_files(name: str, secret: MaybeOutput[str], path: str) -> Mount:
    """Every key of *secret* as a file under *path*, readable by the group of the pod only."""
    return Mount(
        name, path, {"name": name, "secret": {"secret_name": secret, "default_mode": 0o440}}
    )


def config_files(name: str, config_map: MaybeOutput[str], path: str) -> Mount:
    """Every key of *config_map* as a file under *path*."""
    return Mount(name, path, {"name": name, "config_map": {"name": config_map}})


def merged_config_files(name: str, config_maps: Sequence[MaybeOutput[str]], path: str) -> Mount:
    """Every key of all *config_maps* as a file under *path*."""
    sources: list[k8s.core.v1.VolumeProjectionArgsDict] = [
        {"config_map": {"name": config_map}} for config_map in config_maps
    ]
    return Mount(name, path, {"name": name, "projected": {"sources": sources}})


def scratch(name: str, path: str, size: str = "256Mi", *, in_memory: bool = False) -> Mount:
    """An empty, writable directory with the lifetime of the pod.

    On disk it counts as ephemeral storage, which `container` adds to the limit; *in_memory* it
    counts as memory, which it does not.
    """
    empty: k8s.core.v1.EmptyDirVolumeSourceArgsDict = {"size_limit": size}
    if in_memory:
        empty["medium"] = "Memory"
    on_disk = None if in_memory else size
    volume: k8s.core.v1.VolumeArgsDict = {"name": name, "empty_dir": empty}
    return Mount(name, path, volume, read_only=False, scratch_size=on_disk)


def tmp(size: str = "256Mi", name: str = "tmp") -> Mount:
    """A writable `/tmp`; *name* tells the volumes of several containers apart."""
    return scratch(name, "/tmp", size)  # noqa: S108 - a path inside the container


def disk(name: str, claim: MaybeOutput[str], path: str, *, read_only: bool = False) -> Mount:
    """The persistent volume bound to *claim*."""
    volume: k8s.core.v1.VolumeArgsDict = {
        "name": name,
        "persistent_volume_claim": {"claim_name": claim, "read_only": read_only},
    }
    return Mount(name, path, volume, read_only)


def template_disk(name: str, path: str) -> Mount:
    """The volume of the claim template *name* of a StatefulSet."""
    return Mount(name, path, None, read_only=False)


def host_directory(
    name: str, path: str, *, read_only: bool = True, at: str | None = None, create: bool = False
) -> Mount:
    """*path* of the node, which only pods of a privileged namespace may mount.

    Mounted at *at*, by default the same path; *create* creates a missing directory.
    """
    source: k8s.core.v1.HostPathVolumeSourceArgsDict = {"path": path}
    if create:
        source["type"] = "DirectoryOrCreate"
    return Mount(name, at or path, {"name": name, "host_path": source}, read_only)


def container(
    name: str,
    image: MaybeOutput[str],
    resources: Resources,
    *,
    command: Sequence[MaybeOutput[str]] | None = None,
    args: Sequence[MaybeOutput[str]] | None = None,
    env: Mapping[str, MaybeOutput[str]] | None = None,
    ports: Mapping[str, int] | None = None,
    mounts: Sequence[Mount] = (),
    readiness: k8s.core.v1.ProbeArgsDict | None = None,
    liveness: k8s.core.v1.ProbeArgsDict | None = None,
    startup: k8s.core.v1.ProbeArgsDict | None = None,
    gpus: Mapping[str, int] | None = None,
    claims: Sequence[str] = (),
    read_only_root: bool = True,
    capabilities: Sequence[str] = (),
    privileged: bool = False,
    pre_stop_seconds: int = 0,
) -> k8s.core.v1.ContainerArgsDict:
    """A container without privileges, unless *capabilities* or *privileged* grant some.

    What it may write is its own ephemeral storage and the scratch volumes among *mounts*. *env*
    holds no secrets; *gpus* counts devices by resource name; *claims* names device claims of
    the pod. A terminating container keeps serving for *pre_stop_seconds*, until every proxy has
    removed it from its endpoints.
    """
    # By name: a volume that is mounted twice is there once.
    scratches = {m.name: int(parse(m.scratch_size)) for m in mounts if m.scratch_size}
    manifest = resources.with_scratch(sum(scratches.values())).manifest()
    extended = {resource: str(count) for resource, count in (gpus or {}).items()}
    wanted: k8s.core.v1.ResourceRequirementsArgsDict = {
        "requests": {**manifest["requests"], **extended},
        "limits": {**manifest["limits"], **extended},
    }
    if claims:
        named: list[k8s.core.v1.ResourceClaimArgsDict] = [{"name": claim} for claim in claims]
        wanted["claims"] = named
    built: k8s.core.v1.ContainerArgsDict = {
        "name": name,
        "image": image,
        "resources": wanted,
        "volume_mounts": [mount.mount() for mount in mounts],
        "security_context": _security(
            read_only_root, capabilities=capabilities, privileged=privileged
        ),
    }
    if command:
        built["command"] = list(command)
    if args:
        built["args"] = list(args)
    if env:
        built["env"] = [{"name": key, "value": value} for key, value in env.items()]
    if ports:
        built["ports"] = [{"name": n, "container_port": port} for n, port in ports.items()]
    if readiness:
        built["readiness_probe"] = readiness
    if liveness:
        built["liveness_probe"] = liveness
    if startup:
        built["startup_probe"] = startup
    if pre_stop_seconds:
        built["lifecycle"] = {"pre_stop": {"sleep": {"seconds": pre_stop_seconds}}}
    return built


def _security(
    read_only_root: bool,  # noqa: FBT001 - as Kubernetes calls it
    *,
    capabilities: Sequence[str],
    privileged: bool,
) -> k8s.core.v1.SecurityContextArgsDict:
    if privileged:  # the API server rejects contradictory settings beside it
        return {"privileged": True, "read_only_root_filesystem": read_only_root}
    kept: k8s.core.v1.CapabilitiesArgsDict = {"drop": ["ALL"]}
    if capabilities:
        kept["add"] = list(capabilities)
    return {
        "allow_privilege_escalation": False,
        "read_only_root_filesystem": read_only_root,
        "capabilities": kept,
    }


def pod(
    containers: Sequence[k8s.core.v1.ContainerArgsDict],
    mounts: Sequence[Mount],
    *,
    service_account: MaybeOutput[str],
    priority_class: MaybeOutput[str],
    init: Sequence[k8s.core.v1.ContainerArgsDict] = (),
    user: int = USER,
    grace_seconds: int = 30,
    spread: Labels | None = None,
    placement: GpuPlacement | None = None,
    claims: Mapping[str, MaybeOutput[str]] | None = None,
    restart_policy: str | None = None,
    host_pid: bool = False,
) -> k8s.core.v1.PodSpecArgsDict:
    """A pod without an API token, spread over nodes and zones by the labels *spread*.

    *placement* puts it on the nodes of a GPU pool. *claims* maps each device claim of the pod
    (Dynamic Resource Allocation) to its ResourceClaimTemplate. *host_pid* shows it the processes of
    the node, which only pods of a privileged namespace may see.
    """
    spec: k8s.core.v1.PodSpecArgsDict = {
        "service_account_name": service_account,
        "automount_service_account_token": False,
        # A Service called `vllm` would otherwise set VLLM_PORT=tcp://… in every pod beside it.
        "enable_service_links": False,
        "priority_class_name": priority_class,
        "termination_grace_period_seconds": grace_seconds,
        "security_context": {
            "run_as_non_root": user != 0,
            "run_as_user": user,
            "run_as_group": user,
            "fs_group": user,
            "fs_group_change_policy": "OnRootMismatch",
            "seccomp_profile": {"type": "RuntimeDefault"},
        },
        "containers": list(containers),
        "volumes": [mount.volume for mount in mounts if mount.volume],
    }
    if init:
        spec["init_containers"] = list(init)
    if spread:
        spec["topology_spread_constraints"] = [
            {
                "max_skew": 1,
                "topology_key": key,
                "when_unsatisfiable": "ScheduleAnyway",
                "label_selector": {"match_labels": dict(spread)},
            }
            for key in ("kubernetes.io/hostname", "topology.kubernetes.io/zone")
        ]
    if placement:
        spec["node_selector"] = dict(placement.node_selector)
        spec["tolerations"] = placement.tolerations
        spec["runtime_class_name"] = placement.runtime_class
    if claims:
        spec["resource_claims"] = [
            {"name": name, "resource_claim_template_name": template}
            for name, template in claims.items()
        ]
    if restart_policy:
        spec["restart_policy"] = restart_policy
    if host_pid:
        spec["host_pid"] = True
    return spec
