"""`pai up` where nobody watches: a line for each part that is done, with a count."""

import json
import re
import time
from collections.abc import Callable, Mapping
from typing import Any

from review.redact import text as redacted

_COMPONENT = "private-ai:index:"
_NOTHING = frozenset({"same", "read", "refresh"})
"""Steps that change nothing, pulumi/sdk/go/common/apitype/updates.go."""
_PENDING = re.compile(r"(?P<pod>\S+/\S+) stays Pending: (?P<reason>[^\n]*)")
"""components/pending_pods.py."""
_SILENCE_SECONDS = 60.0
"""After which a line says that it goes on: some CI systems end a job that prints nothing."""
_MANY = 5
"""Names in a line."""
_Json = Mapping[str, Any]


class UpLog:
    """Reads the engine's events, one JSON object a line, and says what a log should have.

    The events of pulumi 3.256.0: sdk/go/common/apitype/events.go:339. Its `debug` diagnostics quote
    outputs in plaintext, secret or not, and are never read.
    """

    def __init__(
        self,
        say: Callable[[str], None],
        planned: Mapping[str, str] | None = None,
        *,
        quiet: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """*planned*: the part of each URN that changes; a preview adds its own.

        *quiet* leaves problems alone.
        """
        self._say, self._quiet, self._clock = say, quiet, clock
        self._part_of = dict(planned or {})
        self._left: dict[str, set[str]] = {}
        for urn, part in self._part_of.items():
            self._left.setdefault(part, set()).add(urn)
        self._total = len(self._left)
        self._parents: dict[str, str] = {}
        self._told: set[str] = set()
        self._pending: dict[str, list[str]] = {}
        self._latest: dict[str, str] = {}
        self._start = self._last = clock()

    def line(self, text: str) -> None:
        """One event; whatever else the engine prints is left out."""
        if '"severity":"debug"' in text or not text.startswith("{"):
            return
        try:
            event: _Json = json.loads(text)
        except ValueError:
            return
        for name, read in (
            ("resourcePreEvent", self._planned_step),
            ("resOutputsEvent", self._finished_step),
            ("diagnosticEvent", self._diagnostic),
            ("policyEvent", self._violation),
            ("summaryEvent", self._summary),
        ):
            if name in event:
                read(event[name])

    def tick(self) -> None:
        """Say what has gathered; and now and then, that it goes on."""
        for reason, pods in self._pending.items():
            verb = "stays" if len(pods) == 1 else "stay"
            self._once(f"{_listed(pods)} {verb} Pending: {reason}")
        self._pending.clear()
        if self._left and self._clock() - self._last >= _SILENCE_SECONDS:
            self._tell(f"{self._count()}, waiting for {_listed(list(self._left))}")
            for part in self._left:
                if status := self._latest.pop(part, None):
                    self._tell(f"    {part}: {status}")

    def _planned_step(self, body: _Json) -> None:
        step = body["metadata"]
        urn = step["urn"]
        self._parents[urn] = (step.get("new") or step.get("old") or {}).get("parent", "")
        part = self._part(urn)
        if body.get("planning") and step["op"] not in _NOTHING and part is not None:
            self._part_of[urn] = part
            self._left.setdefault(part, set()).add(urn)
            self._total = len(self._left)

    def _finished_step(self, body: _Json) -> None:
        step = body["metadata"]
        part = self._part_of.get(step["urn"])
        if body.get("planning") or step["op"] in _NOTHING or part not in self._left:
            return
        self._left[part].discard(step["urn"])
        if not self._left[part]:
            del self._left[part]
            self._tell(f"{self._count()}  {part}")

    def _diagnostic(self, body: _Json) -> None:
        if body["severity"] not in ("warning", "error"):
            return
        message = redacted(body["message"]).strip()
        part = self._part(body.get("urn", ""))
        if body.get("ephemeral"):  # the state of a resource that is awaited, which changes
            if part is not None:
                self._latest[part] = message
            return
        if pending := _PENDING.match(message):
            self._pending.setdefault(pending["reason"], []).append(pending["pod"])
            return
        urn = body.get("urn", "")
        about = f"{_kind(urn)} {_name(urn)}: " if urn else ""
        self._once(f"{body['severity']}: {about}{message}")

    def _violation(self, body: _Json) -> None:
        """A mandatory one; the others are in `pai review`."""
        if body["enforcementLevel"] == "mandatory":
            urn = body.get("resourceUrn", "")
            rules = redacted(body["message"]).strip().partition("\n")[2]
            self._once(f"refused by a policy: {_kind(urn)} {_name(urn)}: {rules}")

    def _summary(self, body: _Json) -> None:
        changes: Mapping[str, int] = body.get("resourceChanges") or {}
        counts = {op: count for op, count in changes.items() if op not in _NOTHING}
        if body.get("isPreview"):
            planned = ", ".join(f"{count} to {op}" for op, count in counts.items())
            parts = f", in {self._total} parts" if self._total else ""
            self._tell(f"preview: {planned or 'nothing to change'}{parts}")
            self._start = self._clock()
        elif body.get("result", "succeeded") == "succeeded":
            done = ", ".join(f"{op} {count}" for op, count in counts.items())
            self._tell(f"done in {self._seconds()}: {done or 'nothing to change'}")

    def _part(self, urn: str) -> str | None:
        """The outermost component around *urn*; None if there is none."""
        found, at = None, urn
        while at:
            if _type(at).startswith(_COMPONENT):
                found = _name(at)
            at = self._parents.get(at, "")
        return found

    def _count(self) -> str:
        return f"{self._total - len(self._left)} of {self._total}, {self._seconds()}"

    def _seconds(self) -> str:
        return f"{self._clock() - self._start:.0f} s"

    def _once(self, text: str) -> None:
        if text not in self._told:
            self._told.add(text)
            self._last = self._clock()
            self._say(text)

    def _tell(self, text: str) -> None:
        self._last = self._clock()
        if not self._quiet:
            self._say(text)


def _listed(names: list[str]) -> str:
    more = len(names) - _MANY
    return ", ".join(names[:_MANY]) + (f" and {more} more" if more > 0 else "")


def _type(urn: str) -> str:
    return urn.split("::")[-2].rsplit("$", 1)[-1] if "::" in urn else ""


def _kind(urn: str) -> str:
    return _type(urn).rsplit(":", 1)[-1]


def _name(urn: str) -> str:
    return urn.rsplit("::", 1)[-1]
