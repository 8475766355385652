"""Keys set in YAML that people wrote: the keys are there, and nothing else has changed."""

import string

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from base.yaml_text import parse
from cli.yaml_edit import NotEditableError, with_keys

_NAMES = st.text(string.ascii_letters + string.digits + "._-/ é:#'\"{}[],&*!|>%@", min_size=1)
_DIGESTS = st.dictionaries(
    _NAMES, st.text("0123456789abcdef", min_size=64, max_size=64), min_size=1
)
_COMMITS = st.text("0123456789abcdef", min_size=40, max_size=40)
_OTHER = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(string.printable),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(string.ascii_letters), inner),
    max_leaves=5,
)


@given(
    fields=st.dictionaries(st.sampled_from(["a", "sha256", "pool", "revision"]), _OTHER),
    commit=_COMMITS,
    digests=_DIGESTS,
    flow=st.sampled_from([True, False, None]),
    indent=st.integers(2, 6),
)
def test_whatever_the_mapping_holds_only_the_keys_change_or_it_is_refused(
    fields: dict[str, object],
    commit: str,
    digests: dict[str, str],
    flow: bool | None,
    indent: int,
) -> None:
    document = {"x": {"y": {"model": "m", **fields}, "z": [1]}, "end": "#"}
    text = yaml.safe_dump(document, default_flow_style=flow, indent=indent, sort_keys=False)
    values = {"revision": commit, "sha256": digests}
    try:
        changed = with_keys(text, ("x", "y"), values, ("model",))
    except NotEditableError:
        return
    document["x"]["y"] |= values
    assert parse(changed) == document


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("m: {model: a}", "m: {model: a, revision: R, sha256: {\n  a.json: S}}"),
        ("m:\n  model: a", "m:\n  model: a\n  revision: R\n  sha256:\n    a.json: S"),
        (
            "m:\n  model: a # b\n  # c\n",
            "m:\n  model: a # b\n  revision: R\n  sha256:\n    a.json: S\n  # c\n",
        ),
        (
            "m:\n    revision: main   # d\n    sha256:\n        b: T\n    # e\n    pool: x\n",
            "m:\n    revision: R   # d\n    sha256:\n        a.json: S\n    # e\n    pool: x\n",
        ),
        ("m:\n  model: a\n  sha256: {}\n  revision: ''\n", None),
    ],
)
def test_comments_and_layout_stay(before: str, after: str | None) -> None:
    revision, digest = "c" * 40, "d" * 64
    values = {"revision": revision, "sha256": {"a.json": digest}}
    found = with_keys(before, ("m",), values, ("model",))
    assert parse(found)["m"].items() >= values.items()  # pyrefly: ignore[bad-index]
    if after:
        assert found == after.replace("R", revision).replace("S", digest)


@pytest.mark.parametrize("text", ["m: &a {model: b}\nn: *a\n", "m: []", "m: {}", "n: 1", "[1]"])
def test_what_cannot_be_changed_alone_is_refused(text: str) -> None:
    with pytest.raises(NotEditableError):
        with_keys(text, ("m",), {"revision": "c" * 40}, ("model",))
