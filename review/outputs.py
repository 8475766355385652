"""Changed outputs of the stack: what it tells and records, beside its resources.

Without them a change that no resource shows (the concurrency that a model is sized for) would be
"nothing to do", and would never be recorded: `pai apply` deploys nothing then.
"""

from typing import Any

from review.changes import Names
from review.diff import MISSING, differences, quoted
from review.digest import sha256
from review.reading import Object
from review.redact import UNKNOWN
from review.report import OUTPUTS, PropertyChange, ResourceChange


def outputs_change(before: Object, after: Object, names: Names) -> ResourceChange | None:
    """The outputs that differ; None if none does, or if one side has none at all.

    Those of a new stack are no change, and a preview that fails knows none.
    """
    if not before or not after:
        return None
    found = [
        PropertyChange(path=path, before=_text(old), after=_text(new))
        for path, old, new in differences(before, after)
        if new not in (UNKNOWN, None) and names.settled(old) != names.settled(new)
    ]
    if not found:
        return None
    planned = sha256([(p.path, names.settled(p.after)) for p in found])
    return ResourceChange(
        urn=OUTPUTS, resource=OUTPUTS, op="update", properties=found, fingerprint=planned
    )


def _text(value: Any) -> str | None:  # noqa: ANN401 - JSON
    return None if value is MISSING else quoted(value)
