"""`pai lint` over YAML of any kind: a finding with its line, never a traceback, soon."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from base.yaml_text import Document, YamlTextError, read_documents
from cli.main import app
from cli.manifests import line_of
from tests.examples import examples
from tests.policies.manifests import change, database, model_server, service, workload

_HEAD = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}\n"


def laughs(merge: str = "") -> str:
    """Ten anchors of ten aliases each: ten thousand million values."""
    lines = ["a0: &a0 {x: 1}" if merge else "a0: &a0 [x]"]
    for level in range(1, 11):
        ten = f"[{', '.join([f'*a{level - 1}'] * 10)}]"
        lines.append(f"a{level}: &a{level} {f'{{{merge} {ten}}}' if merge else ten}")
    return _HEAD + "\n".join(lines)


def ladder() -> str:
    """Anchors that are each nested 50 deep in the next."""
    rungs = [f"- &a{n} {'[' * 50}*a{n - 1}{']' * 50}" for n in range(1, 60)]
    return "apiVersion: v1\nkind: X\nspec:\n- &a0 x\n" + "\n".join(rungs)


_HOSTILE = {
    "billion laughs": laughs(),
    "billion merges": laughs("<<:"),
    "200 000 brackets": _HEAD + "spec: " + "[" * 200_000,
    "200 000 braces": _HEAD + "spec: " + "{a: " * 200_000,
    "200 000 dashes": _HEAD + "spec:\n  " + "- " * 200_000 + "x",
    "a ladder of anchors": ladder(),
    "an anchor in itself": _HEAD + "spec: &a {b: *a}",
    "no such anchor": _HEAD + "spec: *a",
    "a key twice": _HEAD + "metadata: {}",
    "a key that is a list": _HEAD + "[a]: b",
    "a foreign tag": _HEAD + "spec: !!python/object/apply:os.system [id]",
    "a number without digits": _HEAD + "spec: 0b_",
    "a number to the base 60": _HEAD + "spec: " + "1:" * 200_000 + "1",
    "a number of a million digits": _HEAD + "spec: " + "9" * 1_000_000,
    "a whole number that is none": _HEAD + "spec: !!int ''",
    "a truth that is none": _HEAD + "spec: !!bool perhaps",
    "a mapping by tag alone": _HEAD + "spec: !!map text",
    "a list by tag alone": _HEAD + "spec: !!seq {a: b}",
    "text by tag alone": _HEAD + "spec: !!str [a]",
    "a merge of text": _HEAD + "spec: {<<: text}",
    "a control character": _HEAD + "spec: \x01",
    "a list of nothing": "apiVersion: v1\nkind: List\nitems: [null, 1, {}]\n",
    "an unclosed quote": _HEAD + 'spec: "',
}
_ODD = {
    "keys that are no text": _HEAD + "1: a\ntrue: b\n2026-01-01: c\n~: d\n1.5: e\n",
    "dates and binaries": _HEAD + "spec: {replicas: 2026-01-01, template: !!binary aGk=}",
    "beyond all numbers": _HEAD + "spec: {replicas: 1e999, minReadySeconds: .inf, x: -.nan}",
    "month 13": _HEAD + "spec: 2026-13-45",
    "an equals sign": _HEAD + "spec: {replicas: =}",
    "metadata that is a list": "apiVersion: v1\nkind: Pod\nmetadata: [x]\nspec: 3\n",
    "an empty list": "apiVersion: v1\nkind: PodList\nitems: []\n",
    "nothing": "",
    "empty documents": "---\n---\n...\n",
    "a mark of byte order": f"\ufeff{_HEAD}",
    "lines of another system": _HEAD.replace("\n", "\r\n"),
}


def lint(*words: str, stdin: bytes = b"") -> Any:
    done = CliRunner().invoke(app, ["lint", "--json", *words], input=stdin)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    assert "Traceback" not in done.output
    return done


@pytest.mark.parametrize("text", _HOSTILE.values(), ids=_HOSTILE)
def test_what_no_reader_should_build_is_refused_by_its_line(text: str) -> None:
    done = lint("-", stdin=text.encode())
    assert done.exit_code == 2
    bad = [f for f in json.loads(done.stdout) if f["rule"] == "manifest-readable"]
    assert bad
    assert all(f["file"] == "stdin" and f["line"] >= 1 for f in bad)
    assert all(len(f["got"]) < 400 for f in bad)


@pytest.mark.parametrize("text", _ODD.values(), ids=_ODD)
def test_what_is_odd_but_yaml_is_read(text: str) -> None:
    assert lint("-", stdin=text.encode()).exit_code in {0, 1}


@pytest.mark.parametrize("content", [b"\xff\xfe", b"\x7fELF\x02", b"kind: \x80", b"\x00"])
def test_what_is_no_text_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.yaml").write_bytes(content)
    done = lint(str(tmp_path), "-", stdin=content)
    assert done.exit_code == 2
    assert [f["rule"] for f in json.loads(done.stdout)] == ["manifest-readable"] * 2


def test_a_file_that_may_not_be_read_and_a_pipe_hide_no_other(tmp_path: Path) -> None:
    (tmp_path / "gone.yaml").symlink_to(tmp_path / "nowhere")
    (tmp_path / "folder.yaml").mkdir()
    (tmp_path / "b\udcff.yaml").write_text("kind: [")
    (tmp_path / "c.yaml").write_text(yaml.safe_dump(workload()))
    done = lint(str(tmp_path))
    assert done.exit_code == 2
    assert {Path(f["file"]).name for f in json.loads(done.stdout)} == {"b\\udcff.yaml", "c.yaml"}
    for form in ("text", "sarif", "github", "junit"):
        assert CliRunner().invoke(app, ["lint", str(tmp_path), "--format", form]).exit_code == 2


_ATOMS = st.sampled_from(
    [
        *(
            "a",
            "[",
            "]",
            "{",
            "}",
            ": ",
            "- ",
            "\n",
            "\n  ",
            "&a ",
            "*a",
            "!!int ",
            "!x ",
            "!!map ",
            "!!seq ",
            "!!bool ",
            "!!str ",
            "!!merge ",
            "!!timestamp ",
        ),
        *("<<: *a", "'", '"', "|", ">", "#", "---\n", "? ", "1e999", "0b_", "2026-01-01", "1:1"),
        *("=", "~", "%YAML 1.1\n", "apiVersion: v1\n", "kind: List\n", "items:\n", "@"),
        *("{{ .Values.x }}", "\t", "\u2028", "\x07"),
    ]
)


@pytest.mark.slow
@examples(300)
@given(st.lists(_ATOMS, max_size=30))
def test_no_text_ends_in_a_traceback(atoms: list[str]) -> None:
    lint("-", stdin="".join(atoms).encode())


@pytest.mark.slow
@examples(200)
@given(st.binary(max_size=60))
def test_no_bytes_end_in_a_traceback(content: bytes) -> None:
    lint("-", stdin=content)


_KEYS = st.sampled_from(["a", "a.b", "a.b/c", "x[0]", "name", "", "1", "true", "spec"])
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_KEYS, inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.slow
@examples(150)
@given(_VALUES)
def test_what_yaml_says_is_what_pyyaml_says(value: Any) -> None:
    text = yaml.safe_dump(value)
    try:
        found = [document.value for document in read_documents(text, "x", "YAML")]
    except YamlTextError as error:
        pytest.fail(str(error))
    assert repr(found) == repr([v for v in yaml.safe_load_all(text) if v is not None])


def _fields(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Path, as findings write it, and key of each field."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in items:
        named = item.get("name") if isinstance(value, list) and isinstance(item, dict) else None
        step = f".{key}" if isinstance(value, dict) else f"[{named or key}]"
        at = f"{path}{step}".removeprefix(".")
        if isinstance(value, dict):
            yield at, str(key)
        if isinstance(item, (dict, list)):
            yield from _fields(item, at)


@pytest.mark.parametrize("manifest", [workload(), model_server(), service(), database()])
def test_the_line_of_a_field_is_where_its_key_is(manifest: Any) -> None:
    text = yaml.safe_dump(manifest)
    [document] = read_documents(text, "x", "YAML")
    lines = text.splitlines()
    for path, key in _fields(manifest):
        assert lines[line_of(document.node, path) - 1].lstrip(" -").startswith(f"{key}:"), path


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("", 1),
        ("the backup", 1),
        ("kind", 2),
        ("metadata.labels[app.kubernetes.io/name]", 4),
        ("metadata.labels.app.kubernetes.io/name", 4),
        ("metadata.labels[missing]", 3),
        ("spec.replicas", 5),
        ("spec.items[b].image", 9),
        ("spec.items[0].image", 7),
        ("spec.items[b].missing.deeper", 8),
        ("spec.items[7]", 6),
        ("spec.items[", 6),
        ("spec.merged.image", 9),
    ],
)
def test_a_path_leads_to_the_nearest_line(path: str, line: int) -> None:
    text = (
        "apiVersion: v1\nkind: X\n"
        "metadata: {labels: {\n  app.kubernetes.io/name: x}}\n"
        "spec:\n  items:\n  - image: x\n  - &b {name: b,\n    image: y}\n  merged: {<<: *b}\n"
    )
    [document] = read_documents(text, "x", "YAML", as_json=True)
    assert isinstance(document, Document)
    assert line_of(document.node, path) == line


def test_the_items_of_a_list_have_lines_of_their_own(tmp_path: Path) -> None:
    listed = {"apiVersion": "v1", "kind": "List", "items": [service(), change(service())]}
    text = yaml.safe_dump(listed, sort_keys=False)
    (tmp_path / "x.yaml").write_text(text.replace("name: https", "name: http"))
    found = [f for f in json.loads(lint(str(tmp_path)).stdout) if f["rule"] == "tls-port"]
    lines = (tmp_path / "x.yaml").read_text().splitlines()
    assert len({f["line"] for f in found}) == 2
    assert all("name: http" in lines[f["line"] - 1] for f in found)
