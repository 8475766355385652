"""Whatever is wrong ends in problems that name its path; nothing ends in a traceback."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st
from typer.testing import CliRunner

from base.problems import ConfigError, ProblemError
from cli import stack_file
from cli.main import app
from config.checks.advice import advice
from config.checks.idle import idle
from config.checks.seats import seated
from config.load import load
from config.reference import KEY
from tests import urns
from tests.examples import examples
from tests.unit.config.changes import changed, odd, paths

STACKS = {
    name: yaml.safe_load(file.read_text(encoding="utf-8"))["config"][KEY]
    for name, file in urns.files().items()
}
_WRONG = st.sampled_from([[[["x"]]], {"no such": {"key": 1}}, float("nan"), b"x"])
"""Of no type that any field has."""


def _refused(raw: object) -> list[str]:
    """The paths of the problems; none where *raw* is accepted, and then advice is given too."""
    try:
        config = load(raw, "prod")
        advice(config), list(idle(config)), seated(config)
    except ConfigError as error:
        str(error).encode("utf-8")  # or no terminal could show it
        return [problem.path for problem in error.problems]
    return []


@examples(400)
@given(st.sampled_from(sorted(STACKS)).flatmap(lambda name: st.tuples(st.just(name), st.data())))
def test_no_value_of_any_field_ends_in_a_traceback(given_: tuple[str, st.DataObject]) -> None:
    stack, data = given_
    raw = STACKS[stack]
    for path, value in data.draw(st.lists(odd(raw), min_size=1, max_size=3)):
        try:
            raw = changed(raw, path, value)
        except (KeyError, IndexError, TypeError, AttributeError):
            continue  # an earlier change took its place
    _refused(raw)


@examples(200)
@given(st.sampled_from(sorted(STACKS)), st.data(), _WRONG)
def test_what_is_refused_names_the_path_of_the_mistake(
    stack: str, data: st.DataObject, wrong: Any
) -> None:
    path = data.draw(st.sampled_from(list(paths(STACKS[stack]))))
    dotted = ".".join(map(str, path))

    told = _refused(changed(STACKS[stack], path, wrong))

    assert any(each == dotted or each.startswith(f"{dotted}.") for each in told), told


@examples(100)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.text(max_size=5) | st.integers() | st.none(), inner, max_size=3)
        ),
    )
)
@example("text")
@example([])
@example({"models": {1: {"model": "bge-m3"}, False: {}}})
@example({"pools": {"a\nb": 1}, "teams": {None: None}})
def test_anything_in_place_of_a_stack_is_refused(raw: object) -> None:
    assert _refused(raw) != []


def test_all_mistakes_of_a_file_are_said_at_once() -> None:
    raw = copy.deepcopy(STACKS["prod"])
    raw["platform"] |= {"api_server_cidrs": ["banana"], "disposable": "no", "organization": "a\nb"}
    raw["teams"]["Direction générale"] = {}
    raw["models"]["code$(id)"] = raw["models"].pop("code")
    raw["cluster"]["nodes"][0]["zones"] = ["zone a"]
    raw["minio"] = {"servers": 1, "volumes_per_server": 2}
    raw["hosts"]["auth"] = raw["hosts"]["ai"]

    assert set(_refused(raw)) >= {
        "platform.api_server_cidrs.0",
        "platform.disposable",
        "platform.organization",
        "teams.Direction générale",
        "models.code$(id)",
        "cluster.nodes.0.zones.0",
    }


def _check(tmp_path: Path, content: bytes, monkeypatch: pytest.MonkeyPatch) -> tuple[int, str]:
    file = tmp_path / "Pulumi.odd.yaml"
    file.write_bytes(content)
    monkeypatch.setattr(stack_file, "PROJECT", tmp_path)
    result = CliRunner().invoke(app, ["config", "check", "--stack", "odd"])
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.exit_code, result.output


_HEAD = b"config:\n  private-ai:stack:\n"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "line 1: nothing in place of a mapping"),
        (b"# only a comment\n", "line 1: nothing in place of a mapping"),
        (b"- a\n- b\n", "line 1: a list in place of a mapping"),
        (b"text", "line 1: a value in place of a mapping"),
        (b"config:\n", "config.private-ai:stack"),
        (b"config: text\n", "config.private-ai:stack"),
        (b"config: {other: 1}\n", "config.private-ai:stack"),
        (_HEAD, "got:      None"),
        (_HEAD + b"    - a\n", "got:      ['a']"),
        (b"config:\n\tprivate-ai:stack: {}\n", "line 2, column 1: found character"),
        (b"config: {a: [1, 2}\n", "line 1, column"),
        (_HEAD + b"    hosts: {}\n    pools: {}\n    hosts: {}\n", "line 5, column 5: the key"),
        (_HEAD + b"    hosts: {ai: a.b, ai: a.c}\n", "line 3, column 22: the key 'ai' again"),
        (_HEAD + b"    hosts: *none\n", "line 3, column 12: found undefined alias"),
        (b"config: &a {b: *a}\n", "an anchor that holds itself"),
        (b"config: 2026-13-45\n", "line 1, column 9: month must be in 1..12"),
        (b"config: 0b_\n", "put it in quotes"),
        (b"config: !!python/object:os.system {}\n", "the tag !!python/object:os.system"),
        (b"config: {[a]: b}\n", "a key that is not text"),
        (b"\x7fELF\x02\x01\x01\x00\xff", "not text in UTF-8"),
        (b"a: b\nc: \x00\n", "line 2: the character"),
        (b"config: " + b"[" * 3000, "nested too deep"),
        (
            b"a: &a [1,1,1,1,1,1,1,1,1,1]\n"
            + b"".join(
                b"%c: &%c [%s]\n" % (n, n, b",".join([b"*%c" % (n - 1)] * 10))
                for n in range(ord("b"), ord("j"))
            ),
            "more than 100000 values",
        ),
    ],
)
def test_a_file_that_is_no_configuration_is_refused_by_its_line(
    content: bytes, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, output = _check(tmp_path, content, monkeypatch)

    assert code == 1
    assert told in output
    assert output.startswith("Pulumi.odd.yaml: 1 problem")
    assert "Traceback" not in output


def test_anchors_may_be_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = urns.files()["prod"].read_text(encoding="utf-8")
    text = text.replace("zones: [zone-a], pool: h200", "zones: &z [zone-a], pool: h200")
    text = text.replace("zones: [zone-b], pool", "zones: *z, pool")

    assert _check(tmp_path, text.encode(), monkeypatch)[0] == 0


@examples(150)
@given(st.binary(max_size=60) | st.text("a:-[]{}&*!|> \n\t#'\"0.", max_size=40).map(str.encode))
def test_no_bytes_of_a_file_end_in_a_traceback(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    file = tmp_path_factory.getbasetemp() / "Pulumi.odd.yaml"
    file.write_bytes(content)

    with pytest.raises(ProblemError):
        stack_file.read_stack("odd", file)


def test_json_of_the_problems_can_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "Pulumi.odd.yaml").write_text("config: {}\n")
    monkeypatch.setattr(stack_file, "PROJECT", tmp_path)
    result = CliRunner().invoke(app, ["config", "check", "--stack", "odd", "--json"])

    assert [each["path"] for each in json.loads(result.stdout)] == [f"config.{KEY}"]
