"""Images, models and charts that move; findings of policies."""

import json
from datetime import date
from typing import Any

from policies.waivers import Waiver as PolicyWaiver
from policies.waivers import Waivers
from review.changes import changes
from review.events import read
from review.findings import waivers
from review.forges import Forge
from review.markdown import markdown
from review.versions import split_image
from review.wording import version
from tests.unit.review.review_support import of_events, reviewed, step


def _pod(image: str, *, key: str = "containers") -> dict[str, Any]:
    return {"spec": {"template": {"spec": {key: [{"name": "a", "image": image}]}}}}


def test_an_image_is_its_repository_and_its_tag_and_digest() -> None:
    pinned = f"registry.test:5000/a/b:1.2@sha256:{'ab' * 32}"

    assert split_image(pinned) == ("registry.test:5000/a/b", "1.2@abababababab")
    assert split_image("registry.test:5000/a/b") == ("registry.test:5000/a/b", "")


def test_an_image_that_moves_is_told_once_with_all_that_use_it() -> None:
    events = [
        step("apps/v1:Deployment", "a", old=_pod("x/y:1"), new=_pod("x/y:2")),
        step(
            "batch/v1:Job",
            "b",
            old=_pod("x/y:1", key="initContainers"),
            new=_pod("x/y:2", key="initContainers"),
        ),
    ]

    [told] = of_events(*events).versions

    assert (told.what, told.name, told.before, told.after) == ("image", "x/y", "1", "2")
    assert told.used_by == ["part"]


def test_an_image_from_another_registry_is_one_entry() -> None:
    """`platform.registry_prefix` moves every image: 32 rows of new and removed ones."""
    report = of_events(
        step("apps/v1:Deployment", "a", old=_pod("x.io/y/z:1"), new=_pod("mirror.test/m/y/z:1")),
        step("apps/v1:Deployment", "b", old=_pod("x.io/gone:1"), new=_pod("x.io/come:1")),
    )

    told = {v.name: (v.moved_from, v.before, v.after) for v in report.versions}
    assert told == {
        "mirror.test/m/y/z": ("x.io/y/z", "1", "1"),
        "x.io/come": (None, None, "1"),
        "x.io/gone": (None, "1", None),
    }
    assert [version(v) for v in report.versions] == ["registry", "new", "removed"]


def test_a_tag_whose_content_differs_is_told_as_such() -> None:
    old, new = (f"x/y:1@sha256:{digit * 64}" for digit in "ab")

    [told] = of_events(step("apps/v1:Deployment", "a", old=_pod(old), new=_pod(new))).versions

    assert version(told) == "digest only"


def test_an_image_that_stays_is_not_told() -> None:
    old, new = _pod("x/y:1"), _pod("x/y:1")
    new["spec"]["replicas"] = 2

    assert of_events(step("apps/v1:Deployment", "a", old=old, new=new)).versions == []


def _job(revision: str) -> dict[str, Any]:
    request = json.dumps({"repository": "org/model", "revision": revision})
    container = {"name": "fetch", "args": [request, "/run/secrets/hub/token"]}
    return {"spec": {"template": {"spec": {"containers": [container]}}}}


def test_the_revision_of_a_model_is_that_of_the_request_to_its_download_job() -> None:
    old, new = _job("a" * 40), _job("b" * 40)

    [told] = of_events(step("batch/v1:Job", "a", old=old, new=new)).versions

    assert (told.name, told.before, told.after) == ("org/model", "a" * 12, "b" * 12)


def test_a_model_moves_from_what_an_earlier_release_kept_in_a_config_map() -> None:
    asked = {"repository": "org/model", "revision": "a" * 40}
    old = step("core/v1:ConfigMap", "a", old={"data": {"request.json": json.dumps(asked)}})

    [told] = of_events(old, step("batch/v1:Job", "a", new=_job("b" * 40))).versions
    assert (told.name, told.before, told.after) == ("org/model", "a" * 12, "b" * 12)

    same = step("batch/v1:Job", "a", new=_job("a" * 40))
    assert of_events(old, same).versions == []


def test_a_chart_moves_by_its_version() -> None:
    old, new = ({"chart": "kong", "version": version} for version in ("1.0", "1.1"))

    [told] = of_events(step("helm.sh/v3:Release", "a", old=old, new=new)).versions

    assert (told.what, told.name, told.before, told.after) == ("chart", "kong", "1.0", "1.1")


def _violation(level: str, message: str) -> dict[str, Any]:
    return {
        "policyEvent": {
            "message": message,
            "policyName": f"objects-{level}",
            "policyPackName": "private-ai",
            "enforcementLevel": level,
            "resourceUrn": "urn:pulumi:test::private-ai::kubernetes:core/v1:Secret::a",
        }
    }


def test_a_finding_is_known_by_the_id_that_begins_its_message() -> None:
    message = "Rules about single objects.\n[image-tag] spec.image: got latest; change: pin it\n"

    report = of_events(_violation("mandatory", message))

    [told] = report.findings
    assert (told.rule, told.message) == ("image-tag", "spec.image: got latest; change: pin it")
    assert report.verdict == "refused by policy"


def test_the_finding_of_a_foreign_pack_is_known_by_its_policy() -> None:
    [told] = of_events(_violation("advisory", "Something.\nis wrong")).findings

    assert (told.rule, told.level) == ("objects-advisory", "advisory")


def test_a_preview_without_a_policy_pack_says_so() -> None:
    looked = reviewed("unchanged")
    alone = looked.model_copy(update={"packs": []})

    assert looked.packs == ["private-ai 0.1.0"]
    assert "No policy pack" not in markdown(looked, Forge.GITHUB)
    assert "**No policy pack was run.**" in markdown(alone, Forge.GITHUB)


def test_an_advisory_finding_refuses_nothing() -> None:
    assert of_events(_violation("advisory", "[a] b")).verdict == "clean"


def test_a_waiver_is_told_with_what_it_let_through_and_only_then() -> None:
    today = date(2027, 1, 1)

    def waiver(expires: date, location: str, resource: str, *subjects: str) -> PolicyWaiver:
        return PolicyWaiver(
            location, "image-tag", resource, "ours", "platform", expires, subjects or ("*",)
        )

    steps = [step("apps/v1:Deployment", name, new=_pod("x/y:latest")) for name in ("a", "b")]
    steps.append(step("apps/v1:Deployment", "c", new=_pod("x/y:1.0.0")))
    found = changes(read(map(json.dumps, steps)).steps)
    known = [
        waiver(today, "f[0]", "Deployment.apps/*/a", "another subject"),
        waiver(date(2026, 12, 31), "f[1]", "Deployment.apps/*/*"),
        waiver(today, "f[2]", "Deployment.apps/*/[abc]"),
        waiver(today, "f[3]", "Deployment.apps/*/*"),
    ]

    [told] = waivers(found, Waivers(known, today))

    assert (told.rule, told.reason, told.owner, told.expires) == (
        *("image-tag", "ours", "platform"),
        "2027-01-01",
    )
    assert (told.findings, told.objects) == (2, ["Deployment a", "Deployment b"])
