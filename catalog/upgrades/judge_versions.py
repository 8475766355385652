"""Steps between versions: what a part reads of another version's data, and serves beside it."""

from collections.abc import Iterator, Mapping
from typing import Any

from base.problems import Problem
from catalog.upgrades.judgement import Judgement, Subject
from catalog.upgrades.table import Part, Size, parts
from catalog.upgrades.versions import images, size, split, version, within

_SERVES = frozenset(
    {
        "Deployment.apps",
        "StatefulSet.apps",
        "Cluster.postgresql.cnpg.io",
        "Tenant.minio.min.io",
    }
)
"""Kinds that run the parts of which the table has steps. Jobs of the same images keep nothing."""


def judge_versions(
    subject: Subject, old: Mapping[str, Any], new: Mapping[str, Any]
) -> Iterator[Judgement]:
    """One judgement for each step of an image, and of the number of members, that is not free."""
    if subject.kind not in _SERVES:
        return
    before, after = ({split(image) for image in images(of)} for of in (old, new))
    for part in parts().values():
        if not part.rules:
            continue
        tags = sorted(tag for repository, tag in before if part.owns(repository))
        wanted = sorted(tag for repository, tag in after if part.owns(repository))
        for one, other in ((a, b) for a in tags for b in wanted if a != b):
            yield from _step(part, subject, one, other)
        if tags and part.fewer:
            yield from _fewer(part, subject, old, new)


def _step(part: Part, subject: Subject, before: str, after: str) -> Iterator[Judgement]:
    path = f"{subject.label}: image {part.key}"
    got = f"{after}, after {before}"
    old, new = version(before), version(after)
    if old is None or new is None:
        yield Judgement(
            Problem(
                path=path,
                got=got,
                allowed="a tag that begins with a version",
                change="name the version in the tag, so that the step can be judged",
            ),
            "steps",
            (f"see that the step is allowed: {part.sources[0]}",),
            part.sources[0],
        )
    elif old != new:
        yield from (
            _back(part, path, got, before, size(old, new))
            if new < old
            else _forward(part, subject, path, got, (old, new))
        )


def _back(part: Part, path: str, got: str, before: str, step: Size) -> Iterator[Judgement]:
    if within(step, part.back):
        return
    allowed = {
        "never": f"{before} or newer",
        "patch": f"{before}, another patch of the same minor version, or newer",
        "minor": f"{before}, another version of the same major, or newer",
    }[part.back]
    yield Judgement(
        Problem(
            path=path,
            got=got,
            allowed=f"{allowed}: an older one does not read what this one has written",
            change="stay, or restore a backup of the older version",
        ),
        "refused",
        (
            f"keep {before}",
            f"or restore {part.keeps} from a backup that the older version made, into new volumes",
        ),
        part.sources[0],
        data=True,
    )


def _forward(
    part: Part, subject: Subject, path: str, got: str, step: tuple[tuple[int, ...], tuple[int, ...]]
) -> Iterator[Judgement]:
    old, new = step
    length = size(old, new)
    if part.step == "minor" and (length == "major" or new[1:2] > (old[1] + 1,)):
        following = f"{old[0]}.{old[1] + 1}"
        yield Judgement(
            Problem(
                path=path,
                got=got,
                allowed=f"one minor version at a time: {following}, by its last patch",
                change=f"deploy {following} first",
            ),
            "refused",
            (
                f"set `{part.images[0]}` in catalog/images.yaml to the last patch of {following}",
                f"deploy. {part.forward}",
                f"so on, up to {'.'.join(map(str, new))}",
            ),
            part.sources[0],
            data=True,
        )
    if not within(length, part.roll):
        yield Judgement(
            Problem(
                path=path,
                got=got,
                allowed="another patch of the same minor version, to be rolled",
                change="stop the old version before the new one starts",
            ),
            "steps",
            (
                f"back up {part.keeps}. {part.forward}",
                f"`kubectl delete {subject.kubectl} --cascade=foreground`: all of its pods stop",
                "`pulumi up --refresh`: Pulumi finds it gone, and creates it with the new version",
            ),
            part.sources[0],
        )
    if length == part.offline:
        yield Judgement(
            Problem(
                path=path,
                got=got,
                allowed="another minor version, without an interruption",
                change="back up, and plan for an interruption",
            ),
            "steps",
            (f"back up {part.keeps}", f"deploy. {part.forward}"),
            part.sources[-1],
        )


def _fewer(
    part: Part, subject: Subject, old: Mapping[str, Any], new: Mapping[str, Any]
) -> Iterator[Judgement]:
    before, after = (_replicas(manifest) for manifest in (old, new))
    if before is None or after is None or after >= before:
        return
    last = " and ".join(f"{subject.name}-{number}" for number in range(after, before))
    yield Judgement(
        Problem(
            path=f"{subject.label}: spec.replicas",
            got=f"{after}, after {before}",
            allowed=f"{before} or more, until {last} hold nothing",
            change=f"empty {last} first",
        ),
        "refused",
        (
            part.fewer,
            f"`kubectl delete {subject.kubectl} --cascade=orphan`: its pods go on",
            f"`pulumi up --refresh`: Pulumi creates it with {after} members, and the others stop",
        ),
        part.sources[-1],
        data=True,
    )


def _replicas(manifest: Mapping[str, Any]) -> int | None:
    spec = manifest.get("spec")
    found = spec.get("replicas") if isinstance(spec, Mapping) else None
    return int(found) if isinstance(found, int | float) else None
