"""The reference page of the upgrade rules: `python -m catalog.upgrades.reference`."""

import sys
from collections.abc import Iterable, Iterator

from catalog.upgrades.table import Part, Size, kinds, parts

_HEAD = """# Upgrades

<!-- Generated from catalog/upgrades/ by `make docs`; edit the tables there. -->

What a stack may ask for and a part, its operator or the API server will not do. `pai review` lists
each such change with the steps that work: **refused** where it cannot be made like this, or where
data would be at stake (exit code 4, and `pai apply` deploys nothing); with **further steps** where
it is made, and something else has to be done too.

`pulumi preview` and `pulumi up` refuse the same for everything that keeps data, before anything is
sent: a hook of the engine compares what is deployed with what comes
([ADR 0019](../adr/0019-a-hook-judges-upgrades.md)). In a disposable stack (`platform.disposable`)
only the API server refuses. A refused object that was deleted by hand, with the steps, is created
again by `pulumi up --refresh`, and no longer compared with anything.

[How to change the size of a disk](../how-to/real-cluster.md#to-change-the-size-of-a-disk) and
[a version](../how-to/real-cluster.md#to-change-a-version).
"""

_PARTS = """
## Versions

The step is read from the tags of the images, before and after. A tag without a version is said,
and cannot be judged.

| part | keeps | forward | back | old and new side by side | source |
| --- | --- | --- | --- | --- | --- |
"""

_KINDS = """
## Fields

The API server refuses to change **fixed** fields. For those that are **replaced** Pulumi deletes
the object and creates it anew, and `pai review` says what that interrupts; a protected object is
not replaced, so the change is refused. Sizes that **grow** never shrink. What is **ignored** is
accepted and does nothing to what is there.

| kind | fixed | replaced | grows | ignored | source |
| --- | --- | --- | --- | --- | --- |
"""

_BACK: dict[Size, str] = {
    "never": "never",
    "patch": "within a minor version",
    "minor": "within a major version",
    "major": "any",
}


def render() -> str:
    """The page, in Markdown."""
    return _HEAD + _PARTS + "".join(_parts()) + _KINDS + "".join(_kinds())


def _parts() -> Iterator[str]:
    for part in parts().values():
        yield _row(
            ", ".join(f"`{image}`" for image in part.images),
            part.keeps,
            _forward(part),
            _BACK[part.back],
            _BACK[part.roll],
            "; ".join(part.sources),
        )


def _forward(part: Part) -> str:
    said = ["one minor version at a time" if part.step == "minor" else "any"]
    if part.offline != "never":
        said.append(f"the part stops for a {part.offline} one")
    if part.fewer:
        said.append(f"before it gets fewer members: {part.fewer}")
    return f"{'; '.join(said)}. {part.forward}".strip()


def _kinds() -> Iterator[str]:
    for kind in kinds().values():
        but = f", but not {_listed(kind.but)}" if kind.but else ""
        yield _row(
            f"`{kind.key}`",
            _listed(kind.fixed) + but,
            _listed(kind.replaced),
            _listed(kind.grows),
            _listed(kind.ignored),
            "; ".join(kind.sources),
        )


def _listed(fields: Iterable[str]) -> str:
    return ", ".join(f"`{field}`" for field in fields) or "-"


def _row(*cells: str) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |\n"


if __name__ == "__main__":  # `make docs`
    sys.stdout.write(render())
