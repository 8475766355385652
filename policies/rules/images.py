"""Which images may run."""

import re
from collections.abc import Iterator, Mapping

from policies.rules.model import Finding, Resource, Rule, Severity
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
)

RULES = (TAG, SOURCE)
