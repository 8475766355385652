"""GPUs of the stack's pools that a device plugin of others advertises already.

Two plugins on a node register the same resource in turn, and the kubelet takes the last: pods get
GPUs that the other plugin gives away too. That is how two stacks clash that share a pool's label.
"""

from collections.abc import Iterator, Mapping

from base.problems import Problem
from components.common.labels import STACK
from components.existing.namespaces import is_own
from components.existing.owner import is_part_of_a_stack, labels, owner
from components.existing.reader import Object, Reader
from config.node_labels import GPU_POOL
from config.settings.pools import GpuPoolSettings

_SOCKETS = "/var/lib/kubelet/device-plugins"
"""https://kubernetes.io/docs/concepts/extend-kubernetes/compute-storage-net/device-plugins/"""
_IMAGES = ("k8s-device-plugin", "nvidia-gpu-device-plugin")
"""NVIDIA's, which its operator runs too, and Google's."""


def advertised_twice(
    cluster: Reader, pools: Mapping[str, GpuPoolSettings], stack: str
) -> Iterator[Problem]:
    """A problem for each pool on whose nodes a plugin of others runs. Raises UnreadableError."""
    advertised = {
        name
        for name, pool in pools.items()
        if pool.operator != "already-there" and pool.allocation == "device-plugin"
    }
    if not advertised:
        return
    plugins = [
        (each, cluster.get(f"/api/v1/namespaces/{each['metadata']['namespace']}"))
        for each in cluster.items("/apis/apps/v1/daemonsets")
        if _is_plugin(each)
    ]
    others = [
        (each, namespace) for each, namespace in plugins if not _is_own(each, namespace, stack)
    ]
    if not others:
        return
    pool_of = {
        node["name"]: labels(node).get(GPU_POOL, "") for node in cluster.metadata("/api/v1/nodes")
    }
    for plugin, namespace in others:
        place, name = plugin["metadata"]["namespace"], plugin["metadata"]["name"]
        pods = cluster.items(f"/api/v1/namespaces/{place}/pods")
        nodes = {pod["spec"].get("nodeName", "") for pod in pods if _runs(pod, plugin)}
        for pool in sorted(advertised & {pool_of.get(node, "") for node in nodes}):
            there = ", ".join(sorted(node for node in nodes if pool_of.get(node) == pool))
            other = namespace and labels(namespace["metadata"]).get(STACK)
            whose = f"belongs to the stack {other}" if other else "this stack did not create"
            yield Problem(
                path=f"pools.{pool}",
                got=f"DaemonSet {place}/{name}, which {whose}"
                f" ({owner(plugin['metadata'])}), advertises the GPUs of {there}",
                allowed="nodes whose GPUs the stack's own device plugin alone advertises",
                change=f"keep that DaemonSet off the nodes labelled {GPU_POOL}={pool}; or, if it is"
                f" the GPU operator's, set pools.{pool}.operator: already-there",
            )


def _is_own(plugin: Object, namespace: Object | None, stack: str) -> bool:
    in_own = namespace is not None and is_own(namespace, stack)
    return in_own and is_part_of_a_stack(plugin["metadata"])


def _is_plugin(daemon_set: Object) -> bool:
    pod = daemon_set["spec"]["template"]["spec"]
    paths = [(volume.get("hostPath") or {}).get("path", "") for volume in pod.get("volumes") or []]
    images = [_repository(container["image"]) for container in pod["containers"]]
    return any(path.rstrip("/") == _SOCKETS for path in paths) and any(
        image.endswith(_IMAGES) for image in images
    )


def _repository(image: str) -> str:
    """*image* without digest and tag."""
    path, _, last = image.partition("@")[0].rpartition("/")
    return f"{path}/{last.partition(':')[0]}"


def _runs(pod: Object, daemon_set: Object) -> bool:
    uid = daemon_set["metadata"]["uid"]
    return any(o["uid"] == uid for o in pod["metadata"].get("ownerReferences") or [])
