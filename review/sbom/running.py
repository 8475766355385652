"""What a stack runs: container images, weights, and the operators that it expects."""

from collections.abc import Iterable, Iterator
from typing import Any

from catalog.images import ImageSpec, image, images, repository
from catalog.licenses import UNKNOWN, model_license
from catalog.models import Checkpoint
from config.stack import StackConfig
from review.render import Render
from review.sbom.document import Item, package_url

_KEYS = ("image", "imageName")
"""Fields of pods, Tenants and CloudNativePG's Clusters that hold an image's reference."""


def image_items(render: Render, prefix: str) -> Iterator[Item]:
    """The images that the resources of *render* name, which are pulled below *prefix*."""
    known = {image(key, prefix): spec for key, spec in images().items()}
    for reference in sorted(set(_references(r.inputs for r in render.resources))):
        yield _image(reference, known.get(reference), prefix)


def model_items(stack: StackConfig) -> Iterator[Item]:
    """The weights of every model, of its draft model and its adapters."""
    found: dict[str, Item] = {}
    for model in stack.models.values():
        license_ = model_license(model.spec.license)
        own = model.repository is None
        item = _weights(
            model.checkpoint,
            dict(model.sha256),
            license_.id,
            {
                "catalog": model.spec.key,
                "license-name": model.spec.license,
                # A repository of one's own may be under other terms than the model it was made of.
                "license-of": "the model" if own else f"the model {model.spec.title}",
                **({"binds": license_.binds} if license_.binds else {}),
            },
        )
        found[item.ref] = item
        for files in model.extra_files.values():
            extra = _weights(files.checkpoint, dict(files.sha256), UNKNOWN, {})
            found.setdefault(extra.ref, extra)
    yield from found.values()


def operator_items(stack: StackConfig) -> Iterator[Item]:
    """The operators that must be on the cluster; others installed them, in what version is open."""
    for operator in stack.cluster.operators:
        yield Item(
            kind="application",
            ref=f"operator:{operator}",
            name=operator,
            license=UNKNOWN,
            properties={"supplied-by": "the cluster"},
        )


def _references(values: Iterable[Any]) -> Iterator[str]:
    for value in values:
        if isinstance(value, dict):
            yield from (value[k] for k in _KEYS if isinstance(value.get(k), str))
            yield from _references(value.values())
        elif isinstance(value, list):
            yield from _references(value)


def _image(reference: str, spec: ImageSpec | None, prefix: str) -> Item:
    """The image of *reference*; *spec* is its entry in the catalog."""
    name, _, digest = reference.partition("@")
    path, _, tag = name.rpartition(":")
    purl = package_url("oci", path.rpartition("/")[2], digest, {"repository_url": path, "tag": tag})
    properties: dict[str, str] = {}
    if spec is not None:
        properties = {"license-source": spec.license.source}
        if spec.license.binds:
            properties["binds"] = spec.license.binds
        if repository(spec, prefix) != spec.repository:
            properties["upstream"] = f"{spec.repository}:{spec.tag}"
    if not digest:
        properties["digest"] = "not locked: run `pai images lock`"
    return Item(
        kind="container",
        ref=purl,
        name=path,
        version=tag,
        license=spec.license.id if spec else UNKNOWN,
        purl=purl,
        sha256=[digest.removeprefix("sha256:")] if digest else [],
        properties=properties,
    )


def _weights(
    checkpoint: Checkpoint, sha256: dict[str, str], license_: str, properties: dict[str, str]
) -> Item:
    purl = package_url("huggingface", checkpoint.repository, checkpoint.revision)
    parts = [
        Item(kind="file", ref=f"{purl}#{file}", name=file, sha256=[digest])
        for file, digest in sorted(sha256.items())
    ]
    if not parts:
        properties |= {"files": "those of the commit, checked against the digests of its source"}
    return Item(
        kind="machine-learning-model",
        ref=purl,
        name=checkpoint.repository,
        version=checkpoint.revision,
        license=license_,
        purl=purl,
        properties=properties,
        parts=parts,
    )
