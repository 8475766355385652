"""Reading typed values of a config.json, and the error that tells all that is wrong with one."""

from collections.abc import Mapping, Sequence
from typing import cast

from base.problems import Problem


class ConfigUnreadableError(ValueError):
    """A config.json lacks what decides the memory, or has what this program cannot size.

    Its text, for the person who gave the file, has four parts for each of `problems`.
    """

    def __init__(self, name: str, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        count = len(problems)
        head = f"config.json of {name}: {count} {'problem' if count == 1 else 'problems'}"
        body = [f"{number}. {problem}" for number, problem in enumerate(problems, 1)]
        super().__init__("\n\n".join([head, *body]))


class Fields:
    """The values of one object of a config.json; collects what is wrong instead of raising.

    A method that finds nothing usable notes the problem and returns a harmless value, so that one
    pass finds everything; whoever reads raises at its end if `problems` is not empty.
    """

    def __init__(
        self,
        values: Mapping[str, object],
        where: str,
        problems: list[Problem],
        defaults: Mapping[str, object] | None = None,
    ) -> None:
        """*values* win over *defaults*; *where* is the path that a problem names, as `a.b.`."""
        stated = {key: value for key, value in values.items() if value is not None}
        self.values: Mapping[str, object] = {**(defaults or {}), **stated}
        self.where = where
        self.problems = problems

    def number(self, *names: str, default: int | None = None) -> int:
        """The whole number under the first of *names* that is there; none may be below 0."""
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
        """Notes that none of *names* is there."""
        others = f" (or {', '.join(names[1:])})" if len(names) > 1 else ""
        self._note(
            names[0],
            "missing",
            f"{allowed}{others}",
            "Add it: the model's own config class (transformers) has the default.",
        )

    def wrong(self, name: str, got: str, allowed: str) -> None:
        """Notes a value that cannot be."""
        self._note(name, got, allowed, "Correct it as in the model's own repository.")

    def unsupported(self, name: str, what: str) -> None:
        """Notes a value whose memory this program does not know."""
        self._note(
            name,
            str(self.values.get(name))[:60],
            f"no {what}: its memory is not known to this program",
            "Size it by the engine's own start-up log, or teach sizing/hf_config.py.",
        )

    def _note(self, name: str, got: str, allowed: str, change: str) -> None:
        self.problems.append(Problem(f"{self.where}{name}", got, allowed, change))
