"""What each part is, where it comes from, and what mends one that is missing or too old."""

from concurrent.futures import ThreadPoolExecutor
from typing import Literal

from base.model import Model
from toolchain import existing as found
from toolchain.errors import ToolchainError
from toolchain.existing import MINIMUM, Found
from toolchain.locate import Toolchain, recorded, sdk_versions
from toolchain.pins import PARTS, Part
from toolchain.version import ask, order

Source = Literal["found", "built", "fetched at first use", "built at first use", "missing"]


class Finding(Model):
    """One part, as `pai toolchain doctor` tells it."""

    part: str
    source: Source
    path: str | None
    version: str | None
    """What the program says of itself."""
    needed: str
    """The oldest version that serves: of a plugin, that of the Python SDK in use."""
    good: bool
    """Whether the part is there, or will be, and is new enough."""
    mend: str | None
    """The command that mends it."""
    note: str


def examine() -> list[Finding]:
    """A finding for each part. Builds nothing."""
    usable = found.look()
    toolchain = Toolchain(usable if usable is not None and usable.usable else None)
    rejected = usable if usable is not None and not usable.usable else None
    with ThreadPoolExecutor() as pool:  # each asks a program, and waits for its answer
        return list(pool.map(lambda part: _examine(part, toolchain, rejected), PARTS))


def _examine(part: Part, toolchain: Toolchain, rejected: Found | None) -> Finding:
    theirs = toolchain.found is not None and part.group == "pulumi"
    needed = _needed(part, theirs=theirs)
    try:
        program = toolchain.path(part.name)
    except ToolchainError:
        return _absent(part, needed, toolchain if theirs else None)
    version = recorded(part) if part.mute else ask(program)
    good = version is not None and order(version) >= order(needed)
    return Finding(
        part=part.name,
        source="found" if theirs else "built",
        path=str(program),
        version=version,
        needed=needed,
        good=good,
        mend=None if good else _mend(part, version, theirs=theirs),
        note=_note(part, rejected, theirs=theirs),
    )


def _absent(part: Part, needed: str, theirs: Toolchain | None) -> Finding:
    fetched = theirs is not None and part.sdk is not None
    later = part.group not in {"cluster", "pulumi"}
    short = part.name.removeprefix("pulumi-resource-")
    return Finding(
        part=part.name,
        source="fetched at first use" if fetched else "built at first use" if later else "missing",
        path=None,
        version=None,
        needed=needed,
        good=fetched or later,
        mend=f"pulumi plugin install resource {short} {needed}"
        if fetched
        else f"pai toolchain build {part.group}",
        note="`pulumi` fetches it by itself where it reaches the internet" if fetched else "",
    )


def _needed(part: Part, *, theirs: bool) -> str:
    if part.sdk is not None:
        return sdk_versions()[part.sdk]
    if part.name == "pulumi":
        return MINIMUM
    if theirs:
        return "0.0.0"  # it came with the `pulumi` that was found
    return part.version.removeprefix("v")


def _mend(part: Part, version: str | None, *, theirs: bool) -> str:
    if part.sdk is not None and version is not None:
        # The SDK asks for more than the provider serves: requirements.lock pins one that does not.
        return "pip install --requirement requirements.lock"
    return "reinstall pulumi" if theirs else f"pai toolchain build {part.group}"


def _note(part: Part, rejected: Found | None, *, theirs: bool) -> str:
    if part.name == "pulumi" and rejected is not None:
        why = (
            f"{rejected.version} is older than {MINIMUM}"
            if order(rejected.version) < order(MINIMUM)
            else "it has no pulumi-language-python beside it"
        )
        return f"{rejected.program} is not used: {why}"
    return "" if theirs else part.note


def complete(findings: list[Finding]) -> bool:
    """Whether every part is good."""
    return all(finding.good for finding in findings)
