"""Changed versions of images, models and charts."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

from review.changes import Change
from review.reading import items, mapping, values
from review.report import Version
from review.workloads import pod_template, workload

_DIGEST = 12
"""Characters shown of a digest."""
_Kind = Literal["image", "model", "chart"]
_Versions = dict[tuple[_Kind, str], tuple[set[str], set[str]]]
"""Versions by kind and name, with the components that use them."""


def versions(
    changes: Iterable[Change], outputs_before: Mapping[str, Any], outputs_after: Mapping[str, Any]
) -> list[Version]:
    """Versions that differ between before and after, by name."""
    known = list(changes)
    old = _gathered((c, c.before) for c in known)
    new = _gathered((c, c.after) for c in known)
    moved = [
        _version(key, old.get(key), new.get(key))
        for key in sorted({*old, *new})
        if old.get(key, (set(), set()))[0] != new.get(key, (set(), set()))[0]
    ]
    return [*_with_moves(moved), *_models(outputs_before, outputs_after)]


def _with_moves(found: Sequence[Version]) -> list[Version]:
    """*found*, where an image that leaves one registry for another is one entry, not two."""
    gone = {v.name: v for v in found if v.what == "image" and v.after is None}
    entries: list[Version] = []
    for version in found:
        if version.what == "image" and version.before is None:
            old = next((o for o in gone.values() if _same_image(o, version)), None)
            if old:
                del gone[old.name]
                moved = {"before": old.before, "moved_from": old.name}
                entries.append(version.model_copy(update=moved))
                continue
        entries.append(version)
    left = {v.name for v in gone.values()}
    return [v for v in entries if v.what != "image" or v.after is not None or v.name in left]


def _same_image(old: Version, new: Version) -> bool:
    """Whether the path below the registry's host is the same (`catalog.images.repository`)."""
    path = old.name.partition("/")[2] or old.name
    other = new.name.partition("/")[2] or new.name
    return old.used_by == new.used_by and (
        new.name.endswith(f"/{path}") or old.name.endswith(f"/{other}")
    )


def split_image(reference: str) -> tuple[str, str]:
    """Repository and version of an image: its tag and the start of its digest."""
    name, _, digest = reference.partition("@")
    head, colon, tag = name.rpartition(":")
    if not colon or "/" in tag:
        head, tag = name, ""
    short = digest.removeprefix("sha256:")[:_DIGEST]
    return head, "@".join(part for part in (tag, short) if part)


def _version(
    key: tuple[_Kind, str],
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


def _gathered(objects: Iterable[tuple[Change, Mapping[str, Any]]]) -> _Versions:
    found: _Versions = {}
    for change, manifest in objects:
        for what, name, version in _read(change, manifest):
            versions, users = found.setdefault((what, name), (set(), set()))
            versions.add(version)
            users.add(change.component)
    return found


def _read(change: Change, manifest: Mapping[str, Any]) -> Iterator[tuple[_Kind, str, str]]:
    if not manifest:
        return
    for reference in images_of(change.kind, manifest):
        yield ("image", *split_image(reference))
    yield from _weights(change.kind, manifest)
    if change.type.startswith("kubernetes:helm.sh/"):
        yield "chart", str(manifest.get("chart")), str(manifest.get("version"))


def images_of(kind: str, manifest: Mapping[str, Any]) -> Iterator[str]:
    """References of the images that pods of *manifest*, of *kind*, run."""
    found = workload(kind, manifest)
    if found:
        yield from found.images.values()
        return
    pod = mapping(pod_template(kind, manifest), "spec")
    for container in [*items(pod, "initContainers"), *items(pod, "containers")]:
        if "image" in container:
            yield str(container["image"])


def _weights(kind: str, manifest: Mapping[str, Any]) -> Iterator[tuple[_Kind, str, str]]:
    """Repository and revision that `components.models.model_store` makes its Job download."""
    for content in _requests(kind, manifest):
        try:
            fetched = json.loads(content)
        except (TypeError, ValueError):
            continue
        if isinstance(fetched, dict) and fetched.get("repository") and "revision" in fetched:
            yield (
                "model",
                str(fetched["repository"]),
                str(fetched["revision"])[:_DIGEST] or "unpinned",
            )


def _requests(kind: str, manifest: Mapping[str, Any]) -> Iterator[Any]:
    """What may be a request to the download program: an argument, or (until 0.1.0) a file."""
    if kind == "ConfigMap":
        yield from mapping(manifest, "data").values()
    elif kind == "Job.batch":
        for container in items(mapping(pod_template(kind, manifest), "spec"), "containers"):
            yield from values(container, "args")


def _models(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Version]:
    """Models whose name in the API points to another model."""
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
