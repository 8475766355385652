"""Changes that will not happen as asked, in the report and in each of its forms."""

from typing import Any

import pytest

from cli.preview import EXIT_CODES
from review.html import page
from review.markdown import Forge, fitted, markdown
from review.report import Report, Verdict
from review.terminal import rendered
from tests.unit.catalog.upgrade_cases import SET, changed
from tests.unit.review.review_support import of_events, step

_LARGER = changed(SET, "spec.volumeClaimTemplates.0.spec.resources.requests.storage", "100Gi")
_PROTECTED = {"of_old": {"protect": True}, "of_new": {"protect": True}}
_FORMS = {
    "terminal": rendered,
    "comment": lambda report: markdown(report, Forge.GITHUB),
    "page": page,
    "json": lambda report: report.model_dump_json(),
}


def _qdrant(tag: str) -> dict[str, Any]:
    return changed(SET, "spec.template.spec.containers.0.image", f"m.test/qdrant/qdrant:{tag}")


def _resized(**more: Any) -> Report:
    return of_events(step("apps/v1:StatefulSet", "qdrant", old=SET, new=_LARGER, **more))


def test_a_larger_disk_of_a_protected_set_is_refused_with_the_steps() -> None:
    report = _resized(**_PROTECTED)

    [found] = report.upgrades
    assert (found.resource, found.component, found.effect) == (
        "StatefulSet qdrant",
        "part",
        "refused",
    )
    assert found.problem.got == "100Gi, after 50Gi"
    assert any("--cascade=orphan" in each for each in found.steps)
    assert report.verdict is Verdict.REFUSED
    assert EXIT_CODES[report.verdict] == 4


def test_a_replacement_that_pulumi_makes_is_none() -> None:
    report = _resized(op="replace")

    assert report.upgrades == []
    assert report.verdict is Verdict.CHANGES


@pytest.mark.parametrize("form", _FORMS)
def test_every_form_of_the_report_has_the_steps(form: str) -> None:
    text = _FORMS[form](_resized(**_PROTECTED)).replace("&#39;", "'")

    assert "volumeClaimTemplates[storage]" in text
    assert "kubectl delete -n data statefulset qdrant --cascade=orphan" in text
    assert "pulumi up --refresh" in text
    assert "No service interruption, no data at risk." not in text


def test_the_steps_are_in_the_shortest_comment_that_has_anything() -> None:
    report = _resized(**_PROTECTED)

    assert "--cascade=orphan" in fitted(report, 3_200)


def test_two_minor_versions_of_qdrant_are_refused_where_the_stack_keeps_data() -> None:
    kept = of_events(
        step("apps/v1:StatefulSet", "qdrant", old=_qdrant("v1.17.1"), new=_qdrant("v1.19.0")),
        step("core/v1:Namespace", "data", old={}, new={}, op="same", **_PROTECTED),
    )
    disposable = of_events(
        step("apps/v1:StatefulSet", "qdrant", old=_qdrant("v1.17.1"), new=_qdrant("v1.19.0"))
    )

    assert [upgrade.effect for upgrade in kept.upgrades] == ["refused"]
    assert kept.verdict is Verdict.REFUSED
    assert [upgrade.effect for upgrade in disposable.upgrades] == ["steps"]
    assert disposable.verdict is Verdict.CHANGES


def test_steps_alone_refuse_nothing() -> None:
    old, new = (
        {
            "metadata": {"name": "keycloak-1", "namespace": "auth"},
            "spec": {
                "template": {"spec": {"containers": [{"image": f"k.io/keycloak/keycloak:{tag}"}]}}
            },
        }
        for tag in ("26.7.4", "26.8.0")
    )
    report = of_events(step("apps/v1:Deployment", "keycloak", old=old, new=new))

    assert [upgrade.effect for upgrade in report.upgrades] == ["steps"]
    assert "kubectl delete -n auth deployment keycloak-1 --cascade=foreground" in rendered(report)
    assert report.verdict is Verdict.CHANGES


@pytest.mark.parametrize(("urn", "verdict"), [("qdrant", "refused by policy"), ("other", "failed")])
def test_a_preview_that_fails_at_what_is_refused_is_refused(urn: str, verdict: str) -> None:
    event = step("apps/v1:StatefulSet", "qdrant", old=SET, new=_LARGER, **_PROTECTED)
    other = step("apps/v1:StatefulSet", "other", old=SET, new=SET)
    urns = {"qdrant": event, "other": other}
    error = {
        "diagnosticEvent": {
            "urn": urns[urn]["resourcePreEvent"]["metadata"]["urn"],
            "severity": "error",
            "message": "updates to statefulset spec for fields other than 'replicas' are forbidden",
        }
    }

    assert of_events(event, other, error).verdict == verdict


def test_what_is_secret_or_not_known_is_not_judged() -> None:
    hidden = changed(SET, "spec.volumeClaimTemplates.0.spec.resources.requests.storage", "[secret]")

    assert (
        of_events(step("apps/v1:StatefulSet", "qdrant", old=SET, new=hidden, **_PROTECTED)).upgrades
        == []
    )
