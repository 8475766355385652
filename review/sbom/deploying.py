"""What deploys a stack: this project, its Python packages, Pulumi's programs and their modules."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path

from catalog.licenses import UNKNOWN
from review.sbom.document import Item, package_url
from toolchain import seal
from toolchain.existing import MINIMUM
from toolchain.locate import built
from toolchain.pins import MODULES, PARTS, Part

_PACKAGE = re.compile(r"^(?P<name>[a-z0-9._-]+)==(?P<version>[^ ;]+)")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_VIA = re.compile(r"^    # (?:via |  )(?P<by>[a-z0-9._-]+)")
_REQUIRE = re.compile(r"^(?:require )?\t?(?P<path>[^\s()]+) (?P<version>v[^\s]+)(?: //.*)?$")
_REPLACE = re.compile(
    r"^(?:replace )?\t?(?P<path>\S+)(?: v\S+)? => (?P<to>\S+)(?: (?P<version>v\S+))?$"
)
_SPDX = re.compile(r"[A-Za-z0-9.+() -]+")
_LONGEST_NAME = 60
"""Most characters of a license's name in a package's metadata; some have the whole text there."""


@dataclass
class _Locked:
    version: str
    hashes: list[str]
    by: list[str]
    """What asks for it; the project itself among them."""


def deployer_items(project: Path) -> Iterator[Item]:
    """The project in the folder *project*, and everything below it.

    Scope is `required` for what a deployment runs, `excluded` for what only its development does.
    """
    pyproject = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wheels = list(_wheels(project, pyproject))
    parts, modules = _programs()
    yield Item(
        kind="application",
        ref=(purl := package_url("generic", str(pyproject["name"]), str(pyproject["version"]))),
        name=str(pyproject["name"]),
        version=str(pyproject["version"]),
        license=str(pyproject["license"]),
        purl=purl,
        needs=[item.ref for item in (*wheels, *parts)],
    )
    yield from wheels
    yield from parts
    yield from modules


def _wheels(project: Path, pyproject: Mapping[str, object]) -> Iterator[Item]:
    locked = _lock((project / "requirements.lock").read_text(encoding="utf-8"))
    declared = pyproject["dependencies"]
    direct = {_normal(str(d)) for d in (declared if isinstance(declared, list) else [])}
    needed = _reached(locked, direct)
    for name, package in locked.items():
        purl = package_url("pypi", name, package.version)
        yield Item(
            kind="library",
            ref=purl,
            name=name,
            version=package.version,
            license=_license(name, package.version),
            purl=purl,
            sha256=package.hashes,
            scope="required" if name in needed else "excluded",
        )


def _lock(text: str) -> dict[str, _Locked]:
    """The packages of a requirements.lock, as `uv pip compile --generate-hashes` writes it."""
    found: dict[str, _Locked] = {}
    current = _Locked("", [], [])
    for line in text.splitlines():
        if match := _PACKAGE.match(line):
            current = found[match["name"]] = _Locked(match["version"], [], [])
        current.hashes += _HASH.findall(line)
        if match := _VIA.match(line):
            current.by.append(match["by"])
    return found


def _reached(locked: Mapping[str, _Locked], direct: set[str]) -> set[str]:
    """*direct*, and what they need, and what that needs."""
    reached = direct & locked.keys()
    while more := {n for n, p in locked.items() if n not in reached and reached & set(p.by)}:
        reached |= more
    return reached


def _normal(requirement: str) -> str:
    return re.sub(r"[-_.]+", "-", re.split(r"[\s\[<>=!~;]", requirement, maxsplit=1)[0]).lower()


def _license(name: str, version: str) -> str:
    """The license that the installed package of this version names, in SPDX or its own words."""
    try:
        said = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        return UNKNOWN
    if said["Version"] != version:
        return UNKNOWN
    for expression in said.get_all("License-Expression") or []:
        return str(expression)
    classified = [
        str(line).rpartition(" :: ")[2]
        for line in said.get_all("Classifier") or []
        if line.startswith("License :: ") and line != "License :: OSI Approved"
    ]
    own = " ".join(map(str, said.get_all("License") or []))
    if own and len(own) <= _LONGEST_NAME and "\n" not in own:
        return f'"{own}"'
    return f'"{", ".join(classified)}"' if classified else UNKNOWN


def _programs() -> tuple[list[Item], list[Item]]:
    """Pulumi's programs as the toolchain pins them, and the Go modules that they are built of."""
    parts: list[Item] = []
    modules: dict[str, Item] = {}
    for part in PARTS:
        if part.group == "pulumi":
            below = {item.ref: item for item in _modules(MODULES / part.module)}
            modules |= below
            parts.append(replace(_program(part), needs=list(below)))
    return parts, list(modules.values())


def _program(part: Part) -> Item:
    version = part.version.removeprefix("v")
    purl = package_url("generic", part.name, version)
    files = seal.files([part]) if built(part) else {}
    return Item(
        kind="application",
        ref=purl,
        name=part.name,
        version=version,
        license=part.license,
        purl=purl,
        sha256=list(files.values()),
        properties={
            "go-package": part.package,
            "pinned-in": f"toolchain/go/{part.module}",
            "instead-of": f"a pulumi of {MINIMUM} or newer on PATH, which would be used",
        },
    )


def _modules(folder: Path) -> Iterator[Item]:
    """The modules that the go.mod in *folder* requires, with replacements, and their go.sum."""
    lines = (folder / "go.mod").read_text(encoding="utf-8").splitlines()
    replaced = {m["path"]: (m["to"], m["version"]) for line in lines if (m := _REPLACE.match(line))}
    sums = {
        (path, version): digest
        for path, version, digest in map(
            str.split, (folder / "go.sum").read_text(encoding="utf-8").splitlines()
        )
    }
    for line in lines:
        match = _REQUIRE.match(line)
        if match is None or "=>" in line:
            continue
        path, version = replaced.get(match["path"], (match["path"], match["version"]))
        if not version:
            continue  # a folder of ours
        purl = package_url("golang", path, version)
        digest = sums.get((path, version))
        yield Item(
            kind="library",
            ref=purl,
            name=path,
            version=version,
            license=UNKNOWN,
            purl=purl,
            properties={"go.sum": digest} if digest else {"go.sum": "go.mod only: not compiled"},
        )
