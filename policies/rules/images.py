"""Container images: tags, digests, registries, pull policy."""

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
"""Field of the spec that names the image, by kind of custom resource."""
_KINDS = WORKLOADS | frozenset(_FIELDS)
_GONE = re.compile(r"((index\.|registry-1\.)?docker\.io/)?(bitnami[^/]*|minio)/")
"""Repositories that Docker Hub no longer serves: bitnami/containers#83267 (August 2025), and
minio/*, deleted in September 2026."""


def _images(resource: Resource) -> Iterator[tuple[str, str]]:
    """Path and reference of each known image."""
    found = [(f"{c.path}.image", get(c.spec, "image")) for c in containers(resource)]
    if field := _FIELDS.get(resource.kind):
        found.append((f"spec.{field}", get(resource.props, "spec", field)))
    yield from ((path, image) for path, image in found if isinstance(image, str))


def _floating(resource: Resource) -> Iterator[Finding]:
    for path, image in _images(resource):
        tag = image.rsplit("/", 1)[-1].partition(":")[2]
        if tag in ("", "latest"):  # for name@sha256:digest this is the digest
            yield Finding(path, shown(image), "a tag other than latest, or a digest")


TAG = Rule(
    "image-tag",
    "Images have a tag other than `latest`, or a digest.",
    "Otherwise the same release runs different code tomorrow, and a rollback cannot restore it.",
    "name a version, as catalog/images.yaml does",
    _KINDS,
    Severity.HIGH,
    _floating,
    covers=("image-tag",),
    frameworks=(NSA_UPGRADES,),
)


def _vanished(resource: Resource) -> Iterator[Finding]:
    for path, image in _images(resource):
        if _GONE.match(image):
            yield Finding(
                path, shown(image), "an image that is still published, or your mirror of it"
            )


SOURCE = Rule(
    "image-source",
    "No image comes from the bitnami* or minio repositories of Docker Hub.",
    "They are deleted or frozen: pulls on new nodes fail, or get known vulnerabilities.",
    "use the upstream image, or a copy in your registry",
    _KINDS,
    Severity.HIGH,
    _vanished,
    covers=("image-registry",),
    frameworks=(NSA_UPGRADES,),
)


def _movable(resource: Resource) -> Iterator[Finding]:
    for path, image in _images(resource):
        if "@sha256:" not in image:
            allowed = "the same image with @sha256: and its digest"
            yield Finding(path, shown(image), allowed)


DIGEST = Rule(
    "image-digest",
    "Images are pinned by digest.",
    "A tag can be moved to another image; a digest cannot.",
    "add the digest that the registry reports for the tag, as `pai images lock` does",
    _KINDS,
    Severity.MEDIUM,
    _movable,
    covers=("image-digest",),
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
    """Host of the registry; Docker Hub if the reference has none."""
    first, slash, _ = image.partition("/")
    return (
        first if slash and ("." in first or ":" in first or first == "localhost") else "docker.io"
    )


def _public(resource: Resource) -> Iterator[Finding]:
    for path, image in _images(resource):
        if (host := _registry(image)) in _PUBLIC:
            yield Finding(path, f"the public registry {host}", "your own registry", subject=host)


REGISTRY = Rule(
    "image-registry",
    "No image comes from a public registry.",
    "New nodes would depend on the availability, quotas and terms of a third party.",
    "copy the image to your registry and use its name there (`platform.registry_prefix`)",
    _KINDS,
    Severity.MEDIUM,
    _public,
    covers=("image-registry", "internal-sources"),
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
            yield Finding(
                path, "`IfNotPresent` with a moving tag", "Always, or the tag of a version"
            )


def _moves(image: str) -> bool:
    """Whether its tag is not a version: no digest, and no digit in the tag."""
    tag = image.rsplit("/", 1)[-1].partition(":")[2]
    return "@" not in image and not any(character.isdigit() for character in tag)


PULL = Rule(
    "image-pull-policy",
    "imagePullPolicy is not Never, and is Always for tags that are not a version.",
    "With Never, or a moving tag that is not pulled, the image differs between nodes.",
    "remove imagePullPolicy and name a version",
    WORKLOADS,
    Severity.LOW,
    _pull,
    covers=("image-pull-policy",),
    level=Level.ADVISORY,
)

RULES = (TAG, SOURCE, DIGEST, REGISTRY, PULL)
