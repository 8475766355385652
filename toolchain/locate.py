"""Where the programs and data files of the toolchain are, once they are there."""

import hashlib
import json
import os
from importlib import metadata
from pathlib import Path
from typing import NoReturn

from base.problems import Problem
from toolchain import cache
from toolchain.errors import ToolchainError
from toolchain.existing import Found, language_host
from toolchain.pins import DATA, PARTS, Data, Part

_RECORD = "part.json"


def folder_of(entry: Part | Data) -> Path:
    """Where an entry lies once it is made. A folder that exists is complete."""
    kind = "parts" if isinstance(entry, Part) else "data"
    return cache.root() / kind / entry.name / entry.key


def made(entry: Part | Data) -> bool:
    """Whether an entry is in the cache."""
    return folder_of(entry).exists()


def record(folder: Path, part: Part, seconds: float) -> None:
    """Note beside a built part what it is and how long it took."""
    entry = {"name": part.name, "version": part.version, "seconds": round(seconds, 1)}
    (folder / _RECORD).write_text(json.dumps(entry) + "\n")


def recorded(part: Part) -> str | None:
    """The version noted beside a built part; None where it is not built."""
    file = folder_of(part) / _RECORD
    return str(json.loads(file.read_text())["version"]) if file.exists() else None


class Toolchain:
    """The parts by name; `toolchain.build.ensure` returns one."""

    def __init__(self, found: Found | None) -> None:
        """*found* is a usable `pulumi` of the machine's own, if there is one."""
        self.found = found

    def path(self, name: str, /) -> Path:
        """The program called *name*. Raises ToolchainError where it is not there."""
        part = next((part for part in PARTS if part.name == name), None)
        if part is None:
            raise ToolchainError(
                Problem(
                    path="the toolchain",
                    got=f"a program called {name}",
                    allowed=f"one of {', '.join(part.name for part in PARTS)}",
                    change="name one of them",
                )
            )
        if self.found is not None and part.group == "pulumi":
            own = _of(self.found, part)
            if own is None:
                _refuse(name, f"pulumi plugin install resource {_plugin(part)}")
            return own
        program = self._laid(part) if part.group == "pulumi" else folder_of(part) / name
        if not program.exists():
            _refuse(name, f"pai toolchain build {part.group}")
        return program

    def module_dir(self, name: str, /) -> Path:
        """The data files of the Go module called *name*, laid out as in the module.

        Raises ToolchainError where they are not there.
        """
        data = next((data for data in DATA if data.name == name), None)
        return self._data(data, name)

    def module_path(self, path: str, version: str, /) -> Path:
        """The same by Go module path and version, such as `sigs.k8s.io/kwok` and `v0.8.0`."""
        data = next((d for d in DATA if (d.path, d.version) == (path, version)), None)
        return self._data(data, f"{path} {version}")

    @property
    def home(self) -> Path:
        """PULUMI_HOME of the built parts: `bin` and `plugins`, made by `lay_out`."""
        keys = "-".join(part.key for part in PARTS if part.group == "pulumi")
        return cache.root() / "home" / _short(f"{keys} {sorted(sdk_versions().items())}")

    def lay_out(self) -> None:
        """Put the built pulumi-side parts where the CLI looks for them.

        The language host lies beside the CLI, where it counts as bundled; a resource plugin in a
        folder that bears the version of its SDK, as the engine asks for it.
        """
        for part in PARTS:
            if part.group == "pulumi":
                _link(folder_of(part) / part.name, self._laid(part))
        script = next(data for data in DATA if data.name == "pulumi-language-python-exec")
        _link(folder_of(script) / script.keep[0], self.home / "bin" / script.name)

    def _laid(self, part: Part) -> Path:
        if part.sdk is None:
            return self.home / "bin" / part.name
        plugin = f"{part.name.removeprefix('pulumi-')}-v{sdk_versions()[part.sdk]}"
        return self.home / "plugins" / plugin / part.name

    def _data(self, data: Data | None, wanted: str) -> Path:
        if data is None:
            raise ToolchainError(
                Problem(
                    path="the toolchain",
                    got=f"data of a module called {wanted}",
                    allowed=f"one of {', '.join(f'{d.name} ({d.path} {d.version})' for d in DATA)}",
                    change="name one of them, or add its pin (toolchain/pins.py, toolchain/go)",
                )
            )
        if not made(data):
            _refuse(f"data of {wanted}", f"pai toolchain build {data.group}")
        return folder_of(data)


def sdk_versions() -> dict[str, str]:
    """The installed version of each Python package that a resource plugin serves."""
    return {part.sdk: metadata.version(part.sdk) for part in PARTS if part.sdk is not None}


def _of(found: Found, part: Part) -> Path | None:
    if part.sdk is not None:
        return found.plugin(part.name.removeprefix("pulumi-resource-"), sdk_versions()[part.sdk])
    return found.program if part.name == "pulumi" else language_host(found)


def _plugin(part: Part) -> str:
    sdk = part.sdk or ""
    return f"{part.name.removeprefix('pulumi-resource-')} {sdk_versions().get(sdk, '')}".strip()


def _refuse(name: str, mend: str) -> NoReturn:
    raise ToolchainError(
        Problem(
            path="the toolchain",
            got=f"no {name}",
            allowed="the part built or found",
            change=f"`{mend}`",
        )
    )


def _link(source: Path, target: Path) -> None:
    """Make *target* the same file as *source*; in one step, so that a running CLI never misses."""
    if target.exists() and target.samefile(source):
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.{os.getpid()}")
    partial.unlink(missing_ok=True)
    os.link(source, partial)
    partial.replace(target)


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
