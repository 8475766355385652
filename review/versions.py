"""Images, models and charts that a change moves."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal

from review.changes import Change
from review.reading import items, mapping
from review.report import Version
from review.workloads import pod_template, workload

_DIGEST = 12
"""Characters of a digest that a reader compares."""
_What = Literal["image", "model", "chart"]
_Found = dict[tuple[_What, str], tuple[set[str], set[str]]]
"""Versions of a thing, and the components that use them."""


def versions(
    changes: Iterable[Change], outputs_before: Mapping[str, Any], outputs_after: Mapping[str, Any]
) -> list[Version]:
    """What differs between before and after, by name."""
    known = list(changes)
    old = _gathered((c, c.before) for c in known)
    new = _gathered((c, c.after) for c in known)
    moved = [
        _version(key, old.get(key), new.get(key))
        for key in sorted({*old, *new})
        if old.get(key, (set(), set()))[0] != new.get(key, (set(), set()))[0]
    ]
    return [*moved, *_models(outputs_before, outputs_after)]


def split_image(reference: str) -> tuple[str, str]:
    """Repository and version of an image: the tag, and the beginning of the digest."""
    name, _, digest = reference.partition("@")
    head, colon, tag = name.rpartition(":")
    if not colon or "/" in tag:
        head, tag = name, ""
    short = digest.removeprefix("sha256:")[:_DIGEST]
    return head, "@".join(part for part in (tag, short) if part)


def _version(
    key: tuple[_What, str],
    old: tuple[set[str], set[str]] | None,
    new: tuple[set[str], set[str]] | None,
) -> Version:
    what, name = key
    return Version(
        what=what,
        name=name,
        before=", ".join(sorted(old[0])) if old else None,
        after=", ".join(sorted(new[0])) if new else None,
        used_by=sorted((old[1] if old else set()) | (new[1] if new else set())),
    )


def _gathered(objects: Iterable[tuple[Change, Mapping[str, Any]]]) -> _Found:
    found: _Found = {}
    for change, manifest in objects:
        for what, name, version in _read(change, manifest):
            versions, users = found.setdefault((what, name), (set(), set()))
            versions.add(version)
            users.add(change.component)
    return found


def _read(change: Change, manifest: Mapping[str, Any]) -> Iterator[tuple[_What, str, str]]:
    if not manifest:
        return
    for reference in _images(change.kind, manifest):
        yield ("image", *split_image(reference))
    if change.kind == "ConfigMap":
        yield from _weights(manifest)
    if change.type.startswith("kubernetes:helm.sh/"):
        yield "chart", str(manifest.get("chart")), str(manifest.get("version"))


def _images(kind: str, manifest: Mapping[str, Any]) -> Iterator[str]:
    found = workload(kind, manifest)
    if found:
        yield from found.images.values()
        return
    pod = mapping(pod_template(kind, manifest), "spec")
    for container in [*items(pod, "initContainers"), *items(pod, "containers")]:
        if "image" in container:
            yield str(container["image"])


def _weights(manifest: Mapping[str, Any]) -> Iterator[tuple[_What, str, str]]:
    """What `components.model_store` asks its Job to fetch: a repository at a revision."""
    for content in mapping(manifest, "data").values():
        try:
            asked = json.loads(content)
        except (TypeError, ValueError):
            continue
        if isinstance(asked, dict) and asked.get("repository") and "revision" in asked:
            yield "model", str(asked["repository"]), str(asked["revision"])[:_DIGEST] or "unpinned"


def _models(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Version]:
    """Which model answers to which name."""
    old, new = (
        {str(m.get("name")): str(m.get("model")) for m in items(mapping(outputs, "gpus"), "models")}
        for outputs in (before, after)
    )
    for name in sorted({*old, *new}):
        if old.get(name) != new.get(name):
            yield Version(
                what="model",
                name=name,
                before=old.get(name),
                after=new.get(name),
                used_by=[name],
            )
