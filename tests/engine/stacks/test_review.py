"""Real previews of changes that a reviewer must not miss, on a simulated cluster."""

import pytest

from review.digest import differences
from review.forges import Forge
from review.markdown import markdown
from review.report import Verdict
from tests.engine.checkout import Checkout
from tests.engine.review_cases import CASES, Review, reviewed
from tests.unit.review.test_recorded import FIRST_SCREEN, SCREEN

pytestmark = pytest.mark.parametrize("empty", ["local"], indirect=True)


def test_what_is_deployed_is_clean(stack: Checkout) -> None:
    report = reviewed(stack)

    assert report.verdict is Verdict.CLEAN
    assert {amount.name for amount in report.amounts if amount.before != amount.after} == set()


@pytest.mark.parametrize("case", FIRST_SCREEN)
def test_the_first_screen_says_what_matters(review: Review, case: str) -> None:
    screen = markdown(review(case), Forge.GITHUB).splitlines()[:SCREEN]

    shown = "\n".join(screen)
    assert [text for text in FIRST_SCREEN[case] if text not in shown] == [], shown


def test_two_previews_of_one_change_have_one_digest_and_another_change_has_another(
    stack: Checkout, review: Review
) -> None:
    first, other = review("team-added"), review("egress-opened")
    with CASES["team-added"](stack):
        second = reviewed(stack)

    assert differences(first, second) == []
    assert first.digest == second.digest != other.digest
    assert "NetworkPolicy router-allow: update is planned, and was not approved" in differences(
        first, other
    )


def test_a_change_of_outputs_alone_is_deployed_and_then_nothing_is_left(stack: Checkout) -> None:
    with CASES["concurrency"](stack):
        assert reviewed(stack).verdict is Verdict.CHANGES
        done = stack.pulumi("up", "--yes", "--skip-preview")
        after = reviewed(stack)
    back = stack.pulumi("up", "--yes", "--skip-preview")

    assert (done.code, back.code) == (0, 0), done.output + back.output
    assert after.verdict is Verdict.CLEAN
    assert [h.name for h in after.headroom if h.free_before != h.free_after] == []


def test_what_a_new_model_needs_is_in_the_picture(review: Review) -> None:
    """Its edges are of the plan: the state does not know it yet."""
    nodes = {node.name: node for node in review("tight-model").picture}

    assert nodes["notes"].op == "create"
    assert nodes["notes"].needs == ["notes-weights", "rtx"]
    assert "notes" in nodes["router"].needs
