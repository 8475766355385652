"""`pai models import` and `verify` of folders that want to harm: nothing outside is touched."""

import json
import os
import tempfile
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from cli.main import app
from tests.hub import COMMIT

SECRET = b"somebody else's"
HONEST = b"weights"
_NAMES = st.sampled_from(
    [
        *("model.safetensors", "sub/secret", "link", "link/secret", "link/sub/secret", "é", "-rf"),
        *("../victim/secret", "a/../../victim/secret", "/etc/passwd", "..", ".", "", "a//b", "a/"),
        *("manifest.json", "a\0b", "\ud800", "a\\b", "\x1b[31m", "\x9b1m", "x" * 300, "y/" * 90),
        *("~", "$(id)", "*", ".partial", ".partial/x", "a\nb", "model.safetensors/x", "\u202e"),
    ]
)
_SIZES: st.SearchStrategy[object] = st.sampled_from(
    [len(SECRET), len(HONEST), 0, -1, float("inf"), float("nan"), 1e300, "7", "", None, [], True]
)
_DIGESTS: st.SearchStrategy[object] = st.sampled_from(
    [sha256(SECRET).hexdigest(), sha256(HONEST).hexdigest(), "", "x", None, 3, "\x1b]0;x\x07"]
)
_ENTRIES = st.fixed_dictionaries({"size": _SIZES, "sha256": _DIGESTS})
_HONEST = st.just({"size": len(HONEST), "sha256": sha256(HONEST).hexdigest()})
_STOLEN = st.just({"size": len(SECRET), "sha256": sha256(SECRET).hexdigest()})
_REPOSITORIES = st.sampled_from(
    ["org/model", "../victim", "../../victim/x", "/etc/x", "org/..", "a", "", "org/m/x", ".git/x"]
)
_COMMITS = st.sampled_from([COMMIT, "..", "../../victim", "", "A" * 40, f"{COMMIT}\n", "main"])
_MANIFESTS = st.fixed_dictionaries(
    {
        "repository": st.just("org/model") | _REPOSITORIES,
        "revision": st.just(COMMIT) | _COMMITS,
        "files": st.dictionaries(_NAMES, _HONEST | _STOLEN | _ENTRIES, max_size=4),
    }
).map(lambda manifest: json.dumps(manifest).encode())
_TEXTS = _MANIFESTS | st.sampled_from(
    [b"", b"[" * 100_000, b"\xff", b"[]", b"null", b'{"files":{}}']
)
_NODES = st.sampled_from(["honest", "honest", "secret", "victim", "fifo", "folder", "loop"])
_TREES = st.dictionaries(_NAMES, _NODES, max_size=5)
_PLANTED = st.sets(
    st.sampled_from(
        [".partial", f".partial/{COMMIT}", "org", "org/model", f"org/model/{COMMIT}", "file"]
    ),
    max_size=2,
)


def _plant(path: Path, node: str, victim: Path) -> None:
    """Make *path* what *node* says, if the file system lets it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if node == "honest":
            path.write_bytes(HONEST)
        elif node == "fifo":
            os.mkfifo(path)
        elif node == "folder":
            path.mkdir()
        else:
            target = {"secret": victim / "secret", "victim": victim, "loop": path}[node]
            path.symlink_to(target)
    except (OSError, ValueError):
        return


def _content(folder: Path) -> Mapping[str, object]:
    """Everything below *folder*, without following links."""
    return {
        str(path.relative_to(folder)): path.readlink()
        if path.is_symlink()
        else path.read_bytes()
        if path.is_file()
        else None
        for path in sorted(folder.rglob("*"))
    }


def _run(*words: Path | str) -> Result:
    return CliRunner().invoke(app, ["models", *map(str, words)])


def _copied(folder: Path) -> list[Any]:
    """Content of the regular files below *folder*, without following links."""
    return [c for c in _content(folder).values() if isinstance(c, bytes)]


@pytest.mark.slow
@given(text=_TEXTS, tree=_TREES, planted=_PLANTED, manifest=st.sampled_from([*"mmmmmm", "l", "f"]))
def test_nothing_outside_its_roots_is_read_moved_or_removed(
    text: bytes, tree: dict[str, str], planted: set[str], manifest: str
) -> None:
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        victim, model, mirror = (root / part for part in ("victim", "model", "mirror"))
        for folder in (victim / "sub", model, mirror):
            folder.mkdir(parents=True)
        for file in (victim / "secret", victim / "sub" / "secret"):
            file.write_bytes(SECRET)
        for path, node in tree.items():
            if path.isprintable() and not path.startswith(("/", "..", "a/..")):
                _plant(model / path, node, victim)
        if not (model / "manifest.json").is_symlink():
            _plant_manifest(model / "manifest.json", manifest, text, root)
        for path in planted:
            _plant(mirror / path, "victim" if path != "file" else "secret", victim)
        before = {part: _content(root / part) for part in ("victim", "model")}
        there = {path.name for path in root.iterdir()}

        for done in (_run("import", model, "--to", mirror), _run("verify", model)):
            assert done.exit_code in {0, 1, 2}, done.output
            assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
            assert SECRET.decode() not in done.output
            assert not {"\x1b", "\x9b"} & set(done.output)
        assert {part: _content(root / part) for part in before} == before
        assert {path.name for path in root.iterdir()} == there
        assert SECRET not in _copied(mirror)


def _plant_manifest(path: Path, how: str, text: bytes, root: Path) -> None:
    if how == "m":
        if path.is_dir() or path.exists():
            return
        path.write_bytes(text)
    elif how == "l":
        (root / "elsewhere.json").write_bytes(text)
        _plant(path, "loop" if path.exists() else "secret", root / "victim")
    else:
        _plant(path, "fifo", root)


def _model(folder: Path, *names: str, digest_of: bytes = HONEST) -> Path:
    folder.mkdir(exist_ok=True)
    entry = {"size": len(digest_of), "sha256": sha256(digest_of).hexdigest()}
    manifest = {
        "repository": "org/model",
        "revision": COMMIT,
        "files": dict.fromkeys(names, entry),
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def test_a_folder_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "victim").mkdir()
    (tmp_path / "victim" / "secret").write_bytes(SECRET)
    model = _model(tmp_path / "model", "link/secret", digest_of=SECRET)
    (model / "link").symlink_to(tmp_path / "victim")
    done = _run("import", model, "--to", tmp_path / "mirror")

    assert done.exit_code == 1
    assert "link\n    got:      a link or a device" in done.stderr
    assert not (tmp_path / "mirror").exists()


@pytest.mark.parametrize("planted", ["org", "org/model", f"org/model/{COMMIT}"])
def test_a_mirror_that_leads_elsewhere_is_refused(tmp_path: Path, planted: str) -> None:
    (tmp_path / "victim").mkdir()
    model = _model(tmp_path / "model", "model.safetensors")
    (model / "model.safetensors").write_bytes(HONEST)
    link = tmp_path / "mirror" / planted
    link.parent.mkdir(parents=True)
    link.symlink_to(tmp_path / "victim")
    done = _run("import", model, "--to", tmp_path / "mirror")

    assert done.exit_code == 1
    assert "a link to another folder" in done.stderr
    assert list((tmp_path / "victim").iterdir()) == []


def test_what_an_interrupted_import_left_is_not_written_through(tmp_path: Path) -> None:
    (tmp_path / "victim").write_bytes(SECRET)
    model = _model(tmp_path / "model", "model.safetensors")
    (model / "model.safetensors").write_bytes(HONEST)
    partial = tmp_path / "mirror" / ".partial" / COMMIT
    partial.mkdir(parents=True)
    (partial / "model.safetensors").symlink_to(tmp_path / "victim")
    done = _run("import", model, "--to", tmp_path / "mirror")

    assert done.exit_code == 0, done.output
    assert (tmp_path / "victim").read_bytes() == SECRET


@pytest.mark.parametrize("to", ["/proc/nosuch", "file", "file/below"])
def test_a_mirror_that_cannot_be_written_is_told(tmp_path: Path, to: str) -> None:
    (tmp_path / "file").touch()
    model = _model(tmp_path / "model", "model.safetensors")
    (model / "model.safetensors").write_bytes(HONEST)
    done = _run("import", model, "--to", tmp_path / to)
    assert done.exit_code == 1
    assert isinstance(done.exception, SystemExit), done.exception
    assert "change:" in done.stderr
