"""Real previews of changes that a reviewer must not miss, on a simulated cluster."""

from collections.abc import Iterator

import pytest

from review import run
from review.build import report as built
from review.digest import differences
from review.markdown import Forge, markdown
from review.report import Report, Verdict
from tests.engine.checkout import Checkout, checkout
from tests.engine.review_cases import CASES
from tests.unit.review.test_recorded import FIRST_SCREEN, SCREEN


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """The local stack, up."""
    with checkout("local", tmp_path_factory.mktemp("review")) as deployed:
        done = deployed.pulumi("up", "--yes", "--skip-preview")
        assert done.code == 0, done.output
        yield deployed


def _reviewed(at: Checkout) -> Report:
    ran = run.preview(at.root, at.stack, at.shell)
    return built(
        ran.preview, stack=at.stack, before=ran.before, after=ran.after, stderr_tail=ran.stderr_tail
    )


def test_what_is_deployed_is_clean(local: Checkout) -> None:
    report = _reviewed(local)

    assert report.verdict is Verdict.CLEAN
    assert {amount.name for amount in report.amounts if amount.before != amount.after} == set()


@pytest.mark.parametrize("case", FIRST_SCREEN)
def test_the_first_screen_says_what_matters(local: Checkout, case: str) -> None:
    with CASES[case](local):
        screen = markdown(_reviewed(local), Forge.GITHUB).splitlines()[:SCREEN]

    shown = "\n".join(screen)
    assert [text for text in FIRST_SCREEN[case] if text not in shown] == [], shown


def test_two_previews_of_one_change_have_one_digest_and_another_change_has_another(
    local: Checkout,
) -> None:
    with CASES["team-added"](local):
        first, second = _reviewed(local), _reviewed(local)
    with CASES["egress-opened"](local):
        other = _reviewed(local)

    assert differences(first, second) == []
    assert first.digest == second.digest != other.digest
    assert "NetworkPolicy router-to-world: create is planned, and was not approved" in differences(
        first, other
    )


def test_what_a_new_model_needs_is_in_the_picture(local: Checkout) -> None:
    """Its edges are of the plan: the state does not know it yet."""
    with CASES["tight-model"](local):
        nodes = {node.name: node for node in _reviewed(local).picture}

    assert nodes["notes"].op == "create"
    assert nodes["notes"].needs == ["notes-weights", "rtx"]
    assert "notes" in nodes["router"].needs
