"""Why a preview failed, and what to do about it."""

from collections.abc import Iterable, Mapping

from review.changes import Change
from review.events import Diagnostic
from review.report import Failure

_GENERIC = ("preview failed", "an unhandled error occurred: program exited")
"""What the engine says after it has said what happened."""

_REMEDIES = {
    "because it is protected": "keep it in the program; to let it go, first take its protection"
    " off in a change of its own (`platform.disposable`), with a backup made",
    "cluster is unreachable": "check that KUBECONFIG names the cluster, and that it answers from"
    " here",
    "incorrect passphrase": "set PULUMI_CONFIG_PASSPHRASE_FILE to the stack's own passphrase",
    "is currently locked": "wait for the update that holds the lock; `pulumi cancel` if it died",
    "updates to statefulset spec for fields other than": "the object must be made anew: back its"
    " data up, delete it in a change of its own, and restore; or keep the old value",
}
"""By what the message says."""
_OTHERWISE = "mend what the message names and run `pai review` again"


def failure(
    diagnostics: Iterable[Diagnostic], changes: Iterable[Change], *, ended: bool, said: str = ""
) -> Failure | None:
    """The first error with its remedy; None where none is of its own.

    A mandatory policy fails a preview without an error of its own. *ended* is whether the engine
    told of the preview's end, *said* what it wrote outside of its events.
    """
    errors = [
        d for d in diagnostics if d.severity == "error" and not d.message.startswith(_GENERIC)
    ]
    if not errors and ended:
        return None
    message = errors[0].message if errors else said or "the engine ended without telling why"
    known: Mapping[str, Change] = {change.urn: change for change in changes}
    about = known.get(errors[0].urn) if errors else None
    urn = errors[0].urn if errors else ""
    return Failure(
        message=message.removeprefix("Preview failed: ").strip(),
        resource=about.label if about else urn.rsplit("::", maxsplit=1)[-1],
        remedy=next(
            (remedy for shape, remedy in _REMEDIES.items() if shape in message), _OTHERWISE
        ),
        others=max(0, len(errors) - 1),
    )
