"""Helpers for the objects of the stand-in operators."""

from sim.api import Object


def owned(owner: Object, kind: str, api_version: str, content: Object) -> Object:
    """*content* in the namespace of *owner*, garbage-collected with it."""
    metadata = owner["metadata"]
    reference = {
        "apiVersion": api_version,
        "kind": kind,
        "name": metadata["name"],
        "uid": metadata["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }
    content["metadata"] |= {"namespace": metadata["namespace"], "ownerReferences": [reference]}
    return content


_COLLECTIONS = {
    "PersistentVolumeClaim": ("api/v1", "persistentvolumeclaims"),
    "Pod": ("api/v1", "pods"),
    "PodDisruptionBudget": ("apis/policy/v1", "poddisruptionbudgets"),
    "Secret": ("api/v1", "secrets"),
    "Service": ("api/v1", "services"),
    "ServiceAccount": ("api/v1", "serviceaccounts"),
    "StatefulSet": ("apis/apps/v1", "statefulsets"),
}


def collection(kind: str, namespace: str) -> str:
    """The API path of the objects of *kind* in *namespace*."""
    group, plural = _COLLECTIONS[kind]
    return f"/{group}/namespaces/{namespace}/{plural}"


def path(content: Object) -> str:
    """The API path of an object."""
    metadata = content["metadata"]
    return f"{collection(content['kind'], metadata['namespace'])}/{metadata['name']}"


def pruned(content: Object) -> Object:
    """*content* without fields that are None, like Go's omitempty."""
    return {key: value for key, value in content.items() if value is not None}
