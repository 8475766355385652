"""The paths of the toolchain's programs and data files."""

import hashlib
import json
import os
from importlib import metadata
from pathlib import Path
from typing import NoReturn

from base.problems import Problem
from toolchain import cache
from toolchain.errors import ToolchainError
from toolchain.existing import ExistingPulumi, language_host
from toolchain.pins import DATA, PARTS, Data, Part

RECORD = "part.json"


def folder_of(entry: Part | Data) -> Path:
    """The folder of an entry. If it exists, it is complete."""
    kind = "parts" if isinstance(entry, Part) else "data"
    return cache.root() / kind / entry.name / entry.key


def built(entry: Part | Data) -> bool:
    """Whether an entry is in the cache."""
    return folder_of(entry).exists()


def record(folder: Path, part: Part, seconds: float) -> None:
    """Record the name, version and build time of a part in its folder."""
    entry = {"name": part.name, "version": part.version, "seconds": round(seconds, 1)}
    (folder / RECORD).write_text(json.dumps(entry) + "\n")


def recorded(part: Part) -> str | None:
    """The recorded version of a part; None if it is not built."""
    file = folder_of(part) / RECORD
    return str(json.loads(file.read_text())["version"]) if file.exists() else None


class Toolchain:
    """Access to the parts by name; returned by `toolchain.build.ensure`."""

    def __init__(self, existing: ExistingPulumi | None) -> None:
        """*existing* is the usable `pulumi` installed on the machine, if there is one."""
        self.existing = existing

    def path(self, name: str, /) -> Path:
        """The program *name*. Raises ToolchainError if it is missing."""
        part = next((part for part in PARTS if part.name == name), None)
        if part is None:
            raise ToolchainError(
                Problem(
                    path="the toolchain",
                    got=f"program {name}",
                    allowed=f"one of {', '.join(part.name for part in PARTS)}",
                    change="name one of these",
                )
            )
        if self.existing is not None and part.group == "pulumi":
            installed = _existing_path(self.existing, part)
            if installed is None:
                _refuse(name, f"pulumi plugin install resource {_plugin(part)}")
            return installed
        program = self._home_path(part) if part.group == "pulumi" else folder_of(part) / name
        if not program.exists():
            _refuse(name, f"pai toolchain build {part.group}")
        return program

    def module_dir(self, name: str, /) -> Path:
        """The data files of the Go module *name*, in the layout of the module.

        Raises ToolchainError if they are missing.
        """
        data = next((data for data in DATA if data.name == name), None)
        if data is None:
            raise ToolchainError(
                Problem(
                    path="the toolchain",
                    got=f"data of module {name}",
                    allowed=f"one of {', '.join(f'{d.name} ({d.path} {d.version})' for d in DATA)}",
                    change="name one of these, or pin it (toolchain/pins.py, toolchain/go)",
                )
            )
        if not built(data):
            _refuse(f"data of {name}", f"pai toolchain build {data.group}")
        return folder_of(data)

    @property
    def home(self) -> Path:
        """PULUMI_HOME of the built parts, with `bin` and `plugins`; `lay_out` fills it."""
        keys = "-".join(part.key for part in PARTS if part.group == "pulumi")
        return cache.root() / "home" / _short(f"{keys} {sorted(sdk_versions().items())}")

    def lay_out(self) -> None:
        """Link the built parts of Pulumi into `home`, where the CLI looks for them.

        The language host goes beside the CLI, where it counts as bundled; each resource plugin
        into a folder named after the version of its SDK, which the engine requests.
        """
        for part in PARTS:
            if part.group == "pulumi":
                _link(folder_of(part) / part.name, self._home_path(part))
        script = next(data for data in DATA if data.name == "pulumi-language-python-exec")
        _link(folder_of(script) / script.keep[0], self.home / "bin" / script.name)

    def _home_path(self, part: Part) -> Path:
        if part.sdk is None:
            return self.home / "bin" / part.name
        plugin = f"{part.name.removeprefix('pulumi-')}-v{sdk_versions()[part.sdk]}"
        return self.home / "plugins" / plugin / part.name


def sdk_versions() -> dict[str, str]:
    """The installed version of each Python SDK that has a resource plugin."""
    return {part.sdk: metadata.version(part.sdk) for part in PARTS if part.sdk is not None}


def _existing_path(pulumi: ExistingPulumi, part: Part) -> Path | None:
    if part.sdk is not None:
        return pulumi.plugin(part.name.removeprefix("pulumi-resource-"), sdk_versions()[part.sdk])
    return pulumi.program if part.name == "pulumi" else language_host(pulumi)


def _plugin(part: Part) -> str:
    sdk = part.sdk or ""
    return f"{part.name.removeprefix('pulumi-resource-')} {sdk_versions().get(sdk, '')}".strip()


def _refuse(name: str, fix: str) -> NoReturn:
    raise ToolchainError(
        Problem(
            path="the toolchain",
            got=f"no {name}",
            allowed="the part, built or installed",
            change=f"run `{fix}`",
        )
    )


def _link(source: Path, target: Path) -> None:
    """Hard-link *source* to *target* atomically: a running CLI never finds it missing."""
    if target.exists() and target.samefile(source):
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.{os.getpid()}")
    partial.unlink(missing_ok=True)
    os.link(source, partial)
    partial.replace(target)


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
