"""A report as the comment of a pull request: whose commit it is about, and who vouches for it."""

from review.escape import code
from review.markdown import LIMITS, Forge, fitted
from review.report import Report
from review.sections import marker

_NOTES = 800
"""Characters kept for what is added to the report."""
_UNTRUSTED = (
    "> **Made without credentials, by the pull request's own code.** It compares what the program"
    " asks for with what the main branch's asks for; no cluster was looked at, and nothing here is"
    " vouched for. A maintainer's preview says what would really happen."
)


def body(report: Report, forge: Forge, commit: str, *, untrusted: bool = False) -> str:
    """The comment: the mark first, by which it is found again, the commit last."""
    shown = fitted(report, LIMITS[forge] - _NOTES)
    mark, _, rest = shown.partition("\n")
    notice = f"{_UNTRUSTED}\n\n" if untrusted else ""
    return f"{mark}\n{notice}{rest}\nCommit: {code(commit)}\n"


def mark_of(report: Report) -> str:
    """The first line of the comment of the report's stack."""
    return marker(report.stack)
