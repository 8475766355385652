"""Node objects for the nodes that a stack expects."""

from ipaddress import IPv4Network
from typing import Any

from catalog.gpus import GpuSpec
from catalog.machines import MOST_PODS, Machine
from config.node_labels import GPU_POOL, GPU_TAINT
from config.settings.cluster import ClusterConfig, ClusterNode

SIMULATED = {"kwok.x-k8s.io/node": "fake"}
"""The annotation that selects the nodes kwok manages."""

# Driver branch R580 includes CUDA 13.0; GPU feature discovery derives the labels from it.
# https://docs.nvidia.com/datacenter/tesla/
_DRIVER = ("580", "95", "05")
_CUDA = ("13", "0")
_FAMILIES = {"8.0": "ampere", "8.9": "ada-lovelace", "9.0": "hopper"}
"""GPU family by CUDA compute capability: NVIDIA/k8s-device-plugin, internal/lm/resource.go."""
_KUBELET = "v1.36.3"  # the version of the control plane in toolchain/pins.py
_NETWORK = IPv4Network("10.95.0.0/16")  # beside those of pods and Services, see sim.command_lines


def node_objects(cluster: ClusterConfig) -> list[dict[str, Any]]:
    """One Node per machine."""
    return [
        _node(each, str(_NETWORK[number]))
        for number, each in enumerate(cluster.machines(), start=1)
    ]


def _node(node: ClusterNode, address: str) -> dict[str, Any]:
    name, group, machine = node.name, node.group, node.group.machine
    labels = {
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
        "node.kubernetes.io/instance-type": machine.type,
        "topology.kubernetes.io/region": "region-1",
        "topology.kubernetes.io/zone": node.zone,
    }
    if group.pool:
        labels[GPU_POOL] = group.pool
    spec: dict[str, Any] = {"providerID": f"kwok://{name}"}
    if machine.card:
        labels |= gpu_labels(machine.card, machine)
    if group.tainted:
        spec["taints"] = [GPU_TAINT]
    labels |= group.labels
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": labels, "annotations": SIMULATED},
        "spec": spec,
        "status": {
            "capacity": _capacity(machine),
            "allocatable": _allocatable(machine),
            "addresses": [
                {"type": "InternalIP", "address": address},
                {"type": "Hostname", "address": name},
            ],
            "nodeInfo": {
                "architecture": "amd64",
                "bootID": "",
                "containerRuntimeVersion": "kwok",
                "kernelVersion": "simulated",
                "kubeProxyVersion": "",
                "kubeletVersion": _KUBELET,
                "machineID": "",
                "operatingSystem": "linux",
                "osImage": "simulated",
                "systemUUID": "",
            },
        },
    }


def _capacity(machine: Machine) -> dict[str, str]:
    return _resources(machine, machine.cpu, machine.memory_gib, machine.disk_gib)


def _allocatable(machine: Machine) -> dict[str, str]:
    return _resources(
        machine, machine.cpu_for_pods, machine.memory_gib_for_pods, machine.disk_gib_for_pods
    )


def _resources(machine: Machine, cpu: int, memory_gib: int, disk_gib: int) -> dict[str, str]:
    resources = {
        "cpu": str(cpu),
        "memory": f"{memory_gib}Gi",
        "ephemeral-storage": f"{disk_gib}Gi",
        "hugepages-1Gi": "0",
        "hugepages-2Mi": "0",
        "pods": str(MOST_PODS),
    }
    if machine.gpu:
        resources["nvidia.com/gpu"] = str(machine.gpus)
    return resources


def gpu_labels(card: GpuSpec, machine: Machine) -> dict[str, str]:
    """The labels of GPU feature discovery and the GPU operator for a node without sharing.

    *card* is the model of *machine*'s GPUs. Names:
    https://github.com/NVIDIA/k8s-device-plugin, docs/gpu-feature-discovery.
    """
    major, minor, revision = _DRIVER
    compute_major, compute_minor = card.compute_capability.split(".")
    return {
        "feature.node.kubernetes.io/pci-10de.present": "true",  # 10de is NVIDIA's PCI vendor id
        "nvidia.com/cuda.driver.major": major,
        "nvidia.com/cuda.driver.minor": minor,
        "nvidia.com/cuda.driver.rev": revision,
        "nvidia.com/cuda.driver-version.full": ".".join(_DRIVER),
        "nvidia.com/cuda.driver-version.major": major,
        "nvidia.com/cuda.driver-version.minor": minor,
        "nvidia.com/cuda.driver-version.revision": revision,
        "nvidia.com/cuda.runtime.major": _CUDA[0],
        "nvidia.com/cuda.runtime.minor": _CUDA[1],
        "nvidia.com/cuda.runtime-version.full": ".".join(_CUDA),
        "nvidia.com/cuda.runtime-version.major": _CUDA[0],
        "nvidia.com/cuda.runtime-version.minor": _CUDA[1],
        "nvidia.com/gpu.compute.major": compute_major,
        "nvidia.com/gpu.compute.minor": compute_minor,
        "nvidia.com/gpu.count": str(machine.gpus),
        "nvidia.com/gpu.family": _FAMILIES[card.compute_capability],
        "nvidia.com/gpu.machine": machine.type,
        "nvidia.com/gpu.memory": str(card.memory_mib),
        "nvidia.com/gpu.mode": "compute",
        "nvidia.com/gpu.present": "true",
        "nvidia.com/gpu.product": card.product,
        "nvidia.com/gpu.replicas": "1",
        "nvidia.com/gpu.sharing-strategy": "none",
        "nvidia.com/mig.capable": "true" if card.mig else "false",
        "nvidia.com/mig.strategy": "single",
        "nvidia.com/mps.capable": "false",
        "nvidia.com/vgpu.present": "false",
    }
