"""The status of each part: source, version, and the fix if it is missing or too old."""

from concurrent.futures import ThreadPoolExecutor
from typing import Literal

from base.model import Model
from toolchain import existing
from toolchain.errors import ToolchainError
from toolchain.existing import MINIMUM, ExistingPulumi
from toolchain.locate import Toolchain, recorded, sdk_versions
from toolchain.pins import PARTS, Part
from toolchain.version import order, reported_version

Source = Literal["installed", "built", "fetched at first use", "built at first use", "missing"]


class PartStatus(Model):
    """One part, as `pai toolchain doctor` shows it."""

    part: str
    source: Source
    path: str | None
    version: str | None
    """The version that the program reports."""
    needed: str
    """The oldest usable version; for a plugin, that of its Python SDK."""
    good: bool
    """Whether the part is present, or is fetched or built on demand, and new enough."""
    fix: str | None
    """The command that fixes it."""
    note: str


def examine() -> list[PartStatus]:
    """The status of each part. Builds nothing."""
    installed = existing.discover()
    toolchain = Toolchain(installed if installed is not None and installed.usable else None)
    rejected = installed if installed is not None and not installed.usable else None
    with ThreadPoolExecutor() as pool:  # each starts a program and waits for it
        return list(pool.map(lambda part: _examine(part, toolchain, rejected), PARTS))


def _examine(part: Part, toolchain: Toolchain, rejected: ExistingPulumi | None) -> PartStatus:
    from_existing = toolchain.existing is not None and part.group == "pulumi"
    needed = _needed(part, from_existing=from_existing)
    try:
        program = toolchain.path(part.name)
    except ToolchainError:
        return _absent(part, needed, from_existing=from_existing)
    version = recorded(part) if part.mute else reported_version(program)
    good = version is not None and order(version) >= order(needed)
    return PartStatus(
        part=part.name,
        source="installed" if from_existing else "built",
        path=str(program),
        version=version,
        needed=needed,
        good=good,
        fix=None if good else _fix(part, version, from_existing=from_existing),
        note=_note(part, rejected, from_existing=from_existing),
    )


def _absent(part: Part, needed: str, *, from_existing: bool) -> PartStatus:
    fetched = from_existing and part.sdk is not None
    on_demand = part.group not in {"cluster", "pulumi"}
    short = part.name.removeprefix("pulumi-resource-")
    return PartStatus(
        part=part.name,
        source="fetched at first use"
        if fetched
        else "built at first use"
        if on_demand
        else "missing",
        path=None,
        version=None,
        needed=needed,
        good=fetched or on_demand,
        fix=f"pulumi plugin install resource {short} {needed}"
        if fetched
        else f"pai toolchain build {part.group}",
        note="`pulumi` fetches it on demand if it can reach the internet" if fetched else "",
    )


def _needed(part: Part, *, from_existing: bool) -> str:
    if part.sdk is not None:
        return sdk_versions()[part.sdk]
    if part.name == "pulumi":
        return MINIMUM
    if from_existing:
        return "0.0.0"  # bundled with the existing `pulumi`
    return part.version.removeprefix("v")


def _fix(part: Part, version: str | None, *, from_existing: bool) -> str:
    if part.sdk is not None and version is not None:
        # The SDK is newer than the provider: requirements.lock pins the one that matches.
        return "pip install --requirement requirements.lock"
    return "reinstall pulumi" if from_existing else f"pai toolchain build {part.group}"


def _note(part: Part, rejected: ExistingPulumi | None, *, from_existing: bool) -> str:
    if part.name == "pulumi" and rejected is not None:
        why = (
            f"{rejected.version} is older than {MINIMUM}"
            if order(rejected.version) < order(MINIMUM)
            else "it has no pulumi-language-python beside it"
        )
        return f"{rejected.program} is not used: {why}"
    return "" if from_existing else part.note


def complete(parts: list[PartStatus]) -> bool:
    """Whether every part is good."""
    return all(part.good for part in parts)
