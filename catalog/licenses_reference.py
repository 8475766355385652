"""The reference page of licenses: `python -m catalog.licenses_reference`."""

import sys
from collections.abc import Iterator

from catalog.images import images
from catalog.licenses import UNKNOWN, License, model_licenses
from catalog.models import models
from toolchain.pins import PARTS

_HEAD = """# Licenses

<!-- Generated from catalog/ and toolchain/pins.py by `make docs`; edit the records there. -->

What the stack runs, and under which license. The first table names what asks something of you,
who run it for your own people, beyond keeping notices; a summary for orientation, no legal advice:
the texts count. [`pai sbom`](sbom.md) writes it for one stack, with versions and hashes.

An image holds more than the program it is for: a distribution's packages, and CUDA's libraries in
the images for GPUs, each with a license of its own. Scan the images for those. `NOASSERTION` is
SPDX's word for a license that is not known here. This project itself is Apache-2.0.
"""


def render() -> str:
    """The page, in Markdown."""
    return "\n".join([_HEAD, *_binding(), *_images(), *_models(), *_programs()])


def _binding() -> Iterator[str]:
    yield "## What binds you\n"
    yield "| what | license | what it asks |"
    yield "| --- | --- | --- |"
    asked: dict[tuple[str, str], list[str]] = {}
    for key, spec in images().items():
        if spec.license.binds:
            asked.setdefault((spec.license.id, spec.license.binds), []).append(f"image `{key}`")
    for name, keys in _by_license().items():
        found = model_licenses()[name]
        if found.binds:
            named = [f"model `{key}`" for key in keys]
            asked.setdefault((_model_id(name, found), found.binds), []).extend(named)
    for (license_, binds), names in asked.items():
        yield f"| {', '.join(names)} | {license_} | {binds} |"
    yield ""


def _images() -> Iterator[str]:
    yield "## Images\n"
    yield "| image | version | license | read in |"
    yield "| --- | --- | --- | --- |"
    for key, spec in images().items():
        yield f"| `{key}`: {spec.repository} | {spec.tag} | {_row(spec.license)} |"
    yield ""


def _models() -> Iterator[str]:
    yield "## Models\n"
    yield "| license | models | read in |"
    yield "| --- | --- | --- |"
    for name, keys in _by_license().items():
        found = model_licenses()[name]
        listed = ", ".join(f"`{key}`" for key in keys)
        yield f"| {_model_id(name, found)} | {listed} | {found.source} |"
    yield ""
    yield "Other people's quantized copies of a model are under the model's license.\n"


def _programs() -> Iterator[str]:
    yield "## Programs that deploy and simulate\n"
    yield "Built from Go modules ([the toolchain](toolchain.md)); read in the LICENSE of each.\n"
    yield "| program | version | license |"
    yield "| --- | --- | --- |"
    for part in PARTS:
        yield f"| `{part.name}` | {part.version.partition('+')[0]} | {part.license} |"
    yield ""
    yield "The Python packages are in `requirements.lock`; `pai sbom` has the license of each."
    yield ""


def _by_license() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for key, spec in models().items():
        found.setdefault(spec.license, []).append(key)
    return found


def _model_id(name: str, found: License) -> str:
    return name if found.id in (name, UNKNOWN) else f"{name} (`{found.id}`)"


def _row(found: License) -> str:
    return f"{found.id} | {found.source}"


if __name__ == "__main__":
    sys.stdout.write(render())
