"""A namespace of others that a stack adopts is told by every format of the review."""

from collections.abc import Callable

import pytest

from review import html, markdown, terminal
from review.build import TAKES_OVER
from review.report import Report
from tests.unit.review.review_support import of_events, step

TOLD = f"{TAKES_OVER}monitoring (labels: team=them), closes it; in it: Deployment grafana"
IN_HEAD = "1 namespace taken over"


def _reviewed(*messages: tuple[str, str]) -> Report:
    said = [{"diagnosticEvent": {"severity": s, "message": f"{m}\n"}} for s, m in messages]
    return of_events(*said, step("core/v1:Namespace", "monitoring", new={"metadata": {}}))


def _comment(report: Report) -> str:
    return markdown.fitted(report, 60_000)


@pytest.mark.parametrize("render", [_comment, html.page, terminal.rendered])
def test_every_format_says_it_in_its_head_and_in_full(
    render: Callable[[Report], str],
) -> None:
    text = " ".join(render(_reviewed(("warning", TOLD))).split())

    for part in ("Takes over Namespace monitoring", "team=them", "Deployment grafana"):
        assert part in text
    assert IN_HEAD in text
    assert IN_HEAD not in " ".join(render(_reviewed()).split())


def test_other_warnings_and_errors_are_not_takeovers() -> None:
    assert _reviewed(("warning", "is old"), ("warning", TOLD)).takeovers == [TOLD]
    assert _reviewed(("error", TOLD)).takeovers == []
