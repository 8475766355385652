"""Whose an object is, as far as its metadata tells."""

from collections.abc import Iterator, Mapping
from typing import Any

from components.common.labels import PART_OF

Metadata = Mapping[str, Any]

_OWN = "private-ai"
_APPLICATIONS = {
    "helm.toolkit.fluxcd.io/name": "Flux's HelmRelease",
    "kustomize.toolkit.fluxcd.io/name": "Flux's Kustomization",
    "argocd.argoproj.io/instance": "Argo CD's application",
    "olm.owner": "OLM's",
}
"""Labels whose value names what keeps an object as it is, in the words of that program."""
_ANNOTATIONS = {
    "meta.helm.sh/release-name": "Helm's release",
    "argocd.argoproj.io/tracking-id": "Argo CD's",
}
_OBVIOUS = "kubernetes.io/metadata.name"
_SHOWN = 5
"""Labels, and writers, that are listed."""
_LONGEST = 63
"""Characters of a value that are shown: annotations have no limit of their own."""


def labels(metadata: Metadata) -> Mapping[str, str]:
    """Its labels."""
    return metadata.get("labels") or {}


def is_part_of_a_stack(metadata: Metadata) -> bool:
    """Whether a stack of this product created it."""
    return labels(metadata).get(PART_OF) == _OWN


def owner(metadata: Metadata) -> str:
    """Its labels, what keeps it, and the programs that wrote it: in words, on one line."""
    return "; ".join(_owner(metadata))


def _owner(metadata: Metadata) -> Iterator[str]:
    found = {key: value for key, value in sorted(labels(metadata).items()) if key != _OBVIOUS}
    listed = [f"{key}={value}" for key, value in found.items()]
    yield f"labels: {_some(listed) or 'none'}"
    yield from (f"{what} {found[key]}" for key, what in _APPLICATIONS.items() if key in found)
    notes = metadata.get("annotations") or {}
    yield from (
        f"{what} {_printable(notes[key])}" for key, what in _ANNOTATIONS.items() if key in notes
    )
    for reference in metadata.get("ownerReferences") or []:
        yield f"owned by {reference['kind']} {reference['name']}"
    # https://kubernetes.io/docs/reference/using-api/server-side-apply/#managers
    writers = {
        entry["manager"]
        for entry in metadata.get("managedFields") or []
        if entry.get("manager") and not entry.get("subresource")
    }
    if writers:
        yield f"written by {_some(sorted(map(_printable, writers)))}"


def _some(listed: list[str]) -> str:
    more = f" and {len(listed) - _SHOWN} more" if len(listed) > _SHOWN else ""
    return ", ".join(listed[:_SHOWN]) + more


def _printable(text: object) -> str:
    return "".join(c for c in str(text) if c.isprintable())[:_LONGEST]
