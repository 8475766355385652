"""A report as a pull request comment, with its commit and its trust level."""

from review.escape import code
from review.forges import Forge
from review.markdown import LIMITS, fitted
from review.report import Report
from review.sections import marker

_NOTES = 800
"""Characters reserved for additions to the report."""
_UNTRUSTED = (
    "> **Unverified: created by the code of this pull request, without credentials.** It compares"
    " the resources of the program with those of the main branch; no cluster was contacted. Only a"
    " preview by a maintainer shows the real effects."
)


def body(report: Report, forge: Forge, commit: str, *, untrusted: bool = False) -> str:
    """The comment: first the mark that identifies it, last the commit."""
    shown = fitted(report, LIMITS[forge] - _NOTES)
    mark, _, rest = shown.partition("\n")
    notice = f"{_UNTRUSTED}\n\n" if untrusted else ""
    return f"{mark}\n{notice}{rest}\nCommit: {code(commit)}\n"


def mark_of(report: Report) -> str:
    """First line of the comment for the stack of *report*."""
    return marker(report.stack)
