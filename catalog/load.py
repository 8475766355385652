"""Reading the catalog's YAML files, and the error for a key that is not in them."""

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import TypeAdapter

T = TypeVar("T")


class UnknownEntryError(LookupError):
    """A key is not in the catalog.

    Has the parts of a four-part error: `kind` (of entry), `got`, `allowed` (every key, sorted) and
    `change`.
    """

    def __init__(self, kind: str, got: str, allowed: list[str], change: str) -> None:
        super().__init__(f"{kind} {got!r} is unknown; allowed: {', '.join(allowed)}. {change}")
        self.kind = kind
        self.got = got
        self.allowed = allowed
        self.change = change

    @property
    def expected(self) -> str:
        """Text for the validator of a field: the keys allowed and the change to make."""
        return f"one of {', '.join(self.allowed)}. {self.change}"


def catalog_file(name: str) -> Path:
    """The path of a data file of the catalog, such as `models.yaml`."""
    return Path(__file__).parent / name


def read_entries(name: str, entry: type[T]) -> dict[str, T]:
    """The entries of a catalog file, by key; each gets its key as the field `key`.

    Raises pydantic.ValidationError where the file does not match `entry`: a mistake in the catalog,
    which the tests find.
    """
    raw = yaml.safe_load(catalog_file(name).read_text(encoding="utf-8"))
    keyed = {key: {"key": key, **fields} for key, fields in raw.items()}
    return TypeAdapter(dict[str, entry]).validate_python(keyed)  # type: ignore[valid-type]


def find(kind: str, file: str, entries: Mapping[str, T], key: str) -> T:
    """`entries[key]`. Raises UnknownEntryError, which names the nearest key and the file."""
    if key in entries:
        return entries[key]
    near = difflib.get_close_matches(key, entries, n=1)
    hint = f"Did you mean {near[0]!r}? " if near else ""
    raise UnknownEntryError(
        kind, key, sorted(entries), f"{hint}Use one of these, or add it to catalog/{file}."
    )
