"""Outputs of the stack that change with or without a resource."""

from typing import Any

from review.digest import differences
from review.html import page
from review.report import Report, Verdict
from tests.unit.review.review_support import NAMES, of_events, reviewed, step


def _stack(old: Any, new: Any) -> dict[str, Any]:
    states = {"old": {"outputs": old}, "new": {"outputs": new}}
    return {"resOutputsEvent": {"metadata": {"type": "pulumi:pulumi:Stack", **states}}}


def _sized(free: int) -> dict[str, Any]:
    return {"gpus": {"models": [{"name": "chat", "gpu_bytes": 100, "headroom_bytes": free}]}}


def test_a_change_that_no_resource_shows_is_a_change() -> None:
    """The concurrency that a model is sized for: "nothing to do", and yet another free share.

    So said every later review too, since `pai apply` recorded nothing.
    """
    report = of_events(_stack(_sized(29), _sized(31)))

    assert report.verdict is Verdict.CHANGES
    assert report.digest != of_events(_stack(_sized(29), _sized(30))).digest
    [[told]] = [c.resources for c in report.components]
    assert (told.resource, [p.path for p in told.properties]) == (
        "outputs",
        ["gpus.models[chat].headroom_bytes"],
    )
    assert "only outputs change" in page(report)


def test_once_deployed_there_is_nothing_to_do_and_nothing_moves() -> None:
    report = of_events(_stack(_sized(31), _sized(31)))

    assert (report.verdict, report.components) == (Verdict.CLEAN, [])
    assert [(h.free_before, h.free_after) for h in report.headroom] == [(0.31, 0.31)]


def test_a_plan_is_another_if_its_outputs_are() -> None:
    def review(free: int) -> Report:
        return of_events(_stack(_sized(29), _sized(free)))

    assert differences(review(31), review(32)) == [
        "outputs: gpus.models[chat].headroom_bytes differs from the approved plan"
    ]


def test_what_only_the_update_will_know_is_no_change() -> None:
    unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"

    assert of_events(_stack({"address": "10.0.0.1"}, {"address": unknown})).components == []


def test_a_generated_name_is_no_change() -> None:
    def secret(digits: str) -> dict[str, Any]:
        annotations = {"pulumi.com/autonamed": "true"}
        return {"metadata": {"name": f"a-{digits}", "annotations": annotations}}

    event = step("core/v1:Secret", "a", old=secret("11111111"), new=secret("22222222"))
    report = of_events(event, _stack({"key": "a-11111111"}, {"key": "a-22222222"}))

    assert [r.resource for c in report.components for r in c.resources] == ["Secret a"]


def test_the_first_outputs_and_those_of_a_failed_preview_are_no_change() -> None:
    assert of_events(_stack({}, _sized(1))).components == []
    for name in ("created", "misspelt", "unchanged"):
        told = [r.resource for c in reviewed(name).components for r in c.resources]
        assert "outputs" not in told


def test_without_a_whole_plan_there_is_no_digest() -> None:
    """It was that of the empty plan, which `pai apply` takes as approved."""
    empty = of_events().digest

    for name in NAMES:
        report = reviewed(name)
        assert bool(report.digest) == report.complete
        assert report.digest != empty or report.verdict is Verdict.CLEAN
    assert "digest" not in page(reviewed("misspelt")).lower()
