"""Which images may run."""

import re
from collections.abc import Iterator, Mapping

from policies.rules.frameworks import NSA_PODS, NSA_UPGRADES, RGPD_44
from policies.rules.model import UNKNOWN, Finding, Level, Resource, Rule, Severity
from policies.rules.pods import WORKLOADS, containers
from policies.rules.reading import get, shown

_FIELDS: Mapping[str, str] = {
    "Tenant.minio.min.io": "image",
    "Cluster.postgresql.cnpg.io": "imageName",
    "Prometheus.monitoring.coreos.com": "image",
    "Alertmanager.monitoring.coreos.com": "image",
}
"""Custom resources that name an image, and the field of their spec that does."""
_KINDS = WORKLOADS | frozenset(_FIELDS)
_GONE = re.compile(r"((index\.|registry-1\.)?docker\.io/)?(bitnami[^/]*|minio)/")
"""Repositories that Docker Hub no longer serves: bitnami/containers#83267 (August 2025), and
minio/* deleted in September 2026."""


def _images(resource: Resource) -> Iterator[tuple[str, str]]:
    """Path and reference of each known image."""
    found = [(f"{c.path}.image", get(c.spec, "image")) for c in containers(resource)]
    if field := _FIELDS.get(resource.kind):
        found.append((f"spec.{field}", get(resource.props, "spec", field)))
    yield from ((path, image) for path, image in found if isinstance(image, str))


def _floating(resource: Resource) -> Iterator[Finding]:
    for path, image in _images(resource):
        tag = image.rsplit("/", 1)[-1].partition(":")[2]
        if tag in ("", "latest"):  # of name@sha256:digest this sees the digest
            yield Finding(path, shown(image), "a tag other than latest, or a digest")


TAG = Rule(
    "image-tag",
    "Images name a version: a tag other than latest, or a digest.",
    "The same release would run other code tomorrow, and a rollback would not bring it back.",
    "name the version, as catalog/images.yaml does",
    _KINDS,
    Severity.HIGH,
    _floating,
    rows=(21,),
    frameworks=(NSA_UPGRADES,),
)


def _vanished(resource: Resource) -> Iterator[Finding]:
    for path, image in _images(resource):
        if _GONE.match(image):
            yield Finding(path, shown(image), "an image that is served, or your mirror of it")


SOURCE = Rule(
    "image-source",
    "No image comes from Docker Hub's bitnami* or minio repositories.",
    "They are deleted or frozen: the pull fails on the next new node, or brings known holes.",
    "take upstream's own image, or the copy in your registry",
    _KINDS,
    Severity.HIGH,
    _vanished,
    rows=(23,),
    frameworks=(NSA_UPGRADES,),
)


def _movable(resource: Resource) -> Iterator[Finding]:
    for path, image in _images(resource):
        if "@sha256:" not in image:
            allowed = "the same with @sha256: and its digest"
            yield Finding(path, shown(image), allowed)


DIGEST = Rule(
    "image-digest",
    "Images are pinned by digest.",
    "A tag can be moved to other contents; a digest is the contents.",
    "add the digest that the registry reports for the tag, as `pai images lock` does",
    _KINDS,
    Severity.MEDIUM,
    _movable,
    rows=(22,),
    frameworks=(NSA_PODS,),
    level=Level.ADVISORY,
)

_PUBLIC = frozenset(
    {
        *("docker.io", "index.docker.io", "registry-1.docker.io", "ghcr.io", "quay.io"),
        *("nvcr.io", "gcr.io", "registry.k8s.io", "k8s.gcr.io", "public.ecr.aws"),
        *("mcr.microsoft.com", "registry.gitlab.com", "registry.access.redhat.com"),
    }
)


def _registry(image: str) -> str:
    """The registry's host; a reference without one is Docker Hub's."""
    first, slash, _ = image.partition("/")
    return (
        first if slash and ("." in first or ":" in first or first == "localhost") else "docker.io"
    )


def _public(resource: Resource) -> Iterator[Finding]:
    for path, image in _images(resource):
        if (host := _registry(image)) in _PUBLIC:
            yield Finding(
                path, f"the public registry {host}", "a registry of your own", subject=host
            )


REGISTRY = Rule(
    "image-registry",
    "No image comes from a public registry.",
    "A new node would depend on somebody else's service, quota, and goodwill.",
    "copy the image to your registry (`pai images list` names each) and name it there",
    _KINDS,
    Severity.MEDIUM,
    _public,
    rows=(23, 63),
    frameworks=(NSA_PODS, RGPD_44),
    level=Level.ADVISORY,
)


def _pull(resource: Resource) -> Iterator[Finding]:
    for container in containers(resource):
        policy, image = get(container.spec, "imagePullPolicy"), get(container.spec, "image")
        path = f"{container.path}.imagePullPolicy"
        if UNKNOWN in (policy, image):
            continue
        if policy == "Never":
            yield Finding(path, "`Never`", "IfNotPresent")
        elif policy == "IfNotPresent" and _moves(str(image)):
            yield Finding(path, "`IfNotPresent` for a tag that moves", "Always, or a version's tag")


def _moves(image: str) -> bool:
    """Whether its tag names no version: no digest, and no digit in the tag."""
    tag = image.rsplit("/", 1)[-1].partition(":")[2]
    return "@" not in image and not any(character.isdigit() for character in tag)


PULL = Rule(
    "image-pull-policy",
    "Images are pulled when they are not there, and each time if their tag names no version.",
    "Never starts whatever the node has; a moving tag that is not pulled differs by node.",
    "remove imagePullPolicy and name a version",
    WORKLOADS,
    Severity.LOW,
    _pull,
    rows=(24,),
    level=Level.ADVISORY,
)

RULES = (TAG, SOURCE, DIGEST, REGISTRY, PULL)
