"""Typed reading of a config.json, and the error that lists all its problems."""

from collections.abc import Mapping, Sequence
from typing import cast

from base.problems import Problem, ProblemError


class ConfigUnreadableError(ProblemError):
    """A config.json lacks fields that decide the memory, or has some that cannot be sized."""

    def __init__(self, name: str, problems: Sequence[Problem]) -> None:
        count = len(problems)
        head = f"config.json of {name}: {count} {'problem' if count == 1 else 'problems'}"
        super().__init__(*problems, head=head)


class Fields:
    """The values of one object of a config.json; collects problems instead of raising.

    A method that finds no usable value records the problem and returns a harmless one, so that one
    pass finds everything; the caller raises at the end if `problems` is not empty.
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
        self.values: Mapping[str, object] = {**(defaults or {}), **stated}
        self.where = where
        self.problems = problems

    def number(self, *names: str, default: int | None = None) -> int:
        """The whole number under the first of *names* that is present, 0 or more."""
        for name in names:
            if name in self.values:
                value = self.values[name]
                if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
                    return value
                self.wrong(name, repr(value), "a whole number, 0 or more")
                return 1
        if default is None:
            self.missing(names, "a whole number")
            return 1
        return default

    def flag(self, name: str, *, default: bool) -> bool:
        """Whether *name* is true."""
        return bool(self.values.get(name, default))

    def text(self, name: str, default: str = "") -> str:
        """The string under *name*."""
        value = self.values.get(name, default)
        return value if isinstance(value, str) else default

    def items(self, name: str) -> Sequence[object]:
        """The list under *name*; empty where there is none."""
        value = self.values.get(name)
        return cast("list[object]", value) if isinstance(value, list) else ()

    def child(self, name: str) -> Mapping[str, object]:
        """The object under *name*; empty where there is none."""
        value = self.values.get(name)
        return cast("Mapping[str, object]", value) if isinstance(value, Mapping) else {}

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
        self._note(
            name,
            str(self.values.get(name))[:60],
            f"no {what}: its memory is not modelled",
            "Size it by the engine's own start-up log, or add it to sizing/hf_config.py.",
        )

    def _note(self, name: str, got: str, allowed: str, change: str) -> None:
        self.problems.append(Problem(f"{self.where}{name}", got, allowed, change))
