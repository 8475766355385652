"""The error of a failed preview, and its fix."""

from collections.abc import Iterable, Mapping

from review.changes import Change
from review.events import Diagnostic
from review.report import PreviewFailure

_GENERIC = ("preview failed", "an unhandled error occurred: program exited")
"""Generic messages that follow the real error."""

_STEPS = "keep the old value; or take the steps of docs/reference/upgrades.md"
_FIXES = {
    "because it is protected": "keep it in the program; to delete it, make a backup and first"
    " remove its protection in a separate change (`platform.disposable`)",
    "cluster is unreachable": "check that KUBECONFIG names the cluster, and that it is reachable"
    " from here",
    "incorrect passphrase": "set PULUMI_CONFIG_PASSPHRASE_FILE to the file with the passphrase of"
    " the stack",
    "is currently locked": "wait for the update that holds the lock, or run `pulumi cancel` if that"
    " update crashed",
    "updates to statefulset spec for fields other than": _STEPS,
    "is currently marked for protection": _STEPS,
    "before hook": "keep the old value; or take the steps in the message",
}
"""Fix by a part of the error message."""
_DEFAULT_FIX = "fix the error above and run `pai review` again"


def failure(
    diagnostics: Iterable[Diagnostic],
    changes: Iterable[Change],
    *,
    ended: bool,
    stderr_tail: str = "",
) -> PreviewFailure | None:
    """The first error with its fix; None if there was no error besides policy violations.

    *ended* is whether the engine reported the end of the preview; *stderr_tail* is the end of its
    standard error.
    """
    errors = [
        d for d in diagnostics if d.severity == "error" and not d.message.startswith(_GENERIC)
    ]
    if not errors and ended:
        return None
    message = (
        errors[0].message
        if errors
        else stderr_tail or "the engine stopped without an error message"
    )
    known: Mapping[str, Change] = {change.urn: change for change in changes}
    about = known.get(errors[0].urn) if errors else None
    urn = errors[0].urn if errors else ""
    return PreviewFailure(
        message=message.removeprefix("Preview failed: ").strip(),
        resource=about.label if about else urn.rsplit("::", maxsplit=1)[-1],
        fix=next((fix for part, fix in _FIXES.items() if part in message), _DEFAULT_FIX),
        others=max(0, len(errors) - 1),
    )
