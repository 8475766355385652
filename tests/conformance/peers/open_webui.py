"""Open WebUI's own source, out of its wheel: the truth about the environment that it reads."""

import ast
import sys
import zipfile
from functools import cache as once
from pathlib import Path

from tests.conformance.peers import cache

VERSION = "0.11.4"
_SHA256 = "e4c2b02607ae984ec8ec08f3f9e02a8de06b1226af0f2df37fe2fab7f9d52523"


@once
def environment() -> frozenset[str]:
    """Every variable that its own code reads, by whatever function has `env` in its name."""
    folder = cache.installed("open-webui", VERSION, "99 MB from PyPI", _install)
    names: set[str] = set()
    for file in sorted(folder.glob("**/*.py")):
        names.update(_read(ast.parse(file.read_text())))
    return frozenset(names)


def _read(tree: ast.Module) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=function, args=[ast.Constant(value=str() as name), *_]):
                if "env" in ast.unparse(function):
                    found.add(name)
            case ast.Subscript(value=holder, slice=ast.Constant(value=str() as name)):
                if ast.unparse(holder) == "os.environ":
                    found.add(name)
            case _:
                pass
    return found


def _install(folder: Path) -> None:
    requirement = folder / "requirement.txt"
    requirement.write_text(f"open-webui=={VERSION} --hash=sha256:{_SHA256}\n")
    cache.call(
        "Open WebUI",
        [
            *(sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check"),
            *("--no-deps", "--only-binary=:all:", "--python-version", "3.12"),
            *("--require-hashes", "-r", str(requirement), "-d", str(folder)),
        ],
        "see that pip reaches PyPI, then run the tests again",
    )
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as files:
        files.extractall(folder, [name for name in files.namelist() if name.endswith(".py")])
    wheel.unlink()
