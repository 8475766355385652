"""Typed reading of a config.json, and the error that lists all its problems."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, cast

from base.problems import Problem, ProblemError

_LARGEST: Final = 10**12
"""No number of layers, heads or tokens is larger; arithmetic with such would not end."""


class ConfigUnreadableError(ProblemError):
    """A config.json lacks fields that decide the memory, or has some that cannot be sized."""

    def __init__(self, name: str, problems: Sequence[Problem]) -> None:
        problems = list(dict.fromkeys(problems))  # a key may be read for several purposes
        count = len(problems)
        head = f"config.json of {name}: {count} {'problem' if count == 1 else 'problems'}"
        super().__init__(*problems, head=head)


class Fields:
    """The values of one object of a config.json; knows which were read, collects problems.

    Every access goes through a method, which notes the key: `unread` then has what nobody asked
    for. A method that finds no usable value records the problem and returns a harmless one, so
    that one pass finds everything; the caller raises at the end if `problems` is not empty.
    """

    def __init__(
        self,
        values: Mapping[str, object],
        where: str,
        problems: list[Problem],
        defaults: Mapping[str, object] | None = None,
    ) -> None:
        """*values* override *defaults*; *where* is the prefix of a problem's path, as `a.b.`."""
        stated = {key: value for key, value in values.items() if value is not None}
        self._values: Mapping[str, object] = {**(defaults or {}), **stated}
        self._stated = stated
        self._empty = frozenset(key for key, value in values.items() if value is None)
        self._read: set[str] = set()
        self._children: dict[str, Fields] = {}
        self.where = where
        self.problems = problems

    def __bool__(self) -> bool:
        """Whether the file states anything here."""
        return bool(self._stated)

    def has(self, name: str) -> bool:
        """Whether *name* has a value; does not count as reading it."""
        return name in self._values

    def require(self, *names: str) -> None:
        """Record a problem if none of *names* is stated, were it as null."""
        if not any(name in self._values or name in self._empty for name in names):
            self.missing(names, "a value, or null")

    def value(self, name: str) -> object:
        """What is under *name*, of whatever kind; does not count as reading it."""
        return self._values.get(name)

    def number(
        self, *names: str, default: int | None = None, least: int = 0, most: int = _LARGEST
    ) -> int:
        """The whole number under *names*, which are spellings of one thing; *least* to *most*.

        A list of equal numbers, one for each layer, is that number.
        """
        found = [(name, self._one(name)) for name in names if name in self._values]
        self._read.update(name for name, _ in found)
        if not found:
            if default is None:
                self.missing(names, "a whole number")
                return max(1, least)
            return default
        for name, value in found:
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                self.wrong(name, repr(value)[:60], f"a whole number, {least} or more")
                return max(1, least)
            if value > most:
                self.wrong(name, repr(value)[:60], f"a whole number, {most:,} at most")
                return max(1, least)
        (first, value), *others = found
        for name, other in others:
            if other != value:
                self.wrong(name, str(other), f"{value}, as {first} says: they are one thing")
        return cast("int", value)

    def flag(self, name: str, *, default: bool) -> bool:
        """Whether *name* is true."""
        self._read.add(name)
        return bool(self._values.get(name, default))

    def text(self, name: str, default: str = "") -> str:
        """The string under *name*."""
        self._read.add(name)
        value = self._values.get(name, default)
        return value if isinstance(value, str) else default

    def items(self, name: str) -> Sequence[object]:
        """The list under *name*; empty where there is none."""
        self._read.add(name)
        value = self._values.get(name)
        return cast("list[object]", value) if isinstance(value, list) else ()

    def child(self, name: str, defaults: Mapping[str, object] | None = None) -> "Fields":
        """The object under *name*, whose own keys are then read; empty where there is none."""
        if name not in self._children:
            self._read.add(name)
            value = self._values.get(name)
            values = cast("Mapping[str, object]", value) if isinstance(value, Mapping) else {}
            where = f"{self.where}{name}."
            self._children[name] = Fields(values, where, self.problems, defaults)
        return self._children[name]

    def open_keys(self) -> Sequence[str]:
        """The keys of this object that nobody read yet."""
        return [key for key in self._stated if key not in self._read]

    def ignore(self, *names: str) -> None:
        """Count *names* as read: whoever calls this knows what they mean."""
        self._read.update(names)

    def unread(self) -> Iterator[tuple[str, str, object]]:
        """Path, key and value of everything that nobody asked for, here and in the objects read."""
        for key in self.open_keys():
            yield f"{self.where}{key}" or '""', key, self._stated[key]
        for child in self._children.values():
            yield from child.unread()

    def missing(self, names: Sequence[str], allowed: str) -> None:
        """Record that none of *names* is present."""
        others = f" (or {', '.join(names[1:])})" if len(names) > 1 else ""
        self._note(
            names[0],
            "missing",
            f"{allowed}{others}",
            "Add it: the model's own config class (transformers) has the default.",
        )

    def wrong(self, name: str, got: str, allowed: str) -> None:
        """Record an invalid value."""
        self._note(name, got, allowed, "Correct it as in the model's own repository.")

    def unsupported(self, name: str, what: str) -> None:
        """Record a feature whose memory is not modelled."""
        self._read.add(name)
        self._note(
            name,
            str(self._values.get(name))[:60],
            f"no {what}: its memory is not modeled",
            "Size it by the engine's own start-up log, or add it to sizing/hf_config.py.",
        )

    def _one(self, name: str) -> object:
        value = self._values[name]
        if isinstance(value, list) and value and all(each == value[0] for each in value):
            return value[0]
        return value

    def _note(self, name: str, got: str, allowed: str, change: str) -> None:
        self.problems.append(Problem(f"{self.where}{name}", got, allowed, change))
