"""Whether what is applied is what was reviewed."""

from typing import Any

from review.digest import differences
from review.report import Report, Verdict
from tests.unit.review.review_support import of_events, reviewed, step


def _config_map(text: str, *, name: str = "a-1234abcd") -> dict[str, Any]:
    metadata = {"name": name, "annotations": {"pulumi.com/autonamed": "true"}}
    return {"metadata": metadata, "data": {"k": text}}


def _mounting(name: str) -> dict[str, Any]:
    return {"spec": {"volumes": [{"configMap": {"name": name}}]}}


def _preview(digits: str, text: str = "b") -> Report:
    """A ConfigMap replaced under a generated name that ends in *digits*, and who mounts it."""
    return of_events(
        step(
            "core/v1:ConfigMap",
            "a",
            op="create-replacement",
            old=_config_map("a", name="a-00000000"),
            new=_config_map(text, name=f"a-{digits}"),
        ),
        step("apps/v1:Deployment", "b", old=_mounting("a-00000000"), new=_mounting(f"a-{digits}")),
    )


def test_two_previews_of_one_change_differ_in_generated_names_alone() -> None:
    first, second = _preview("1234abcd"), _preview("dcba4321")

    assert first.components != second.components
    assert first.digest == second.digest
    assert differences(first, second) == []


def test_another_value_is_another_digest_and_is_named() -> None:
    first, second = _preview("1234abcd"), _preview("1234abcd", text="c")

    assert first.digest != second.digest
    assert differences(first, second) == ["ConfigMap a: data.k differs from the approved plan"]


def test_a_step_more_a_step_less_and_another_operation_are_named() -> None:
    def secret(name: str, op: str) -> dict[str, Any]:
        return step("core/v1:Secret", name, old={}, new={"type": "a"}, op=op)

    approved = of_events(secret("gone", "update"), secret("kept", "update"))
    today = of_events(secret("kept", "replace"), secret("new", "update"))

    assert differences(approved, today) == [
        "Secret gone: update was approved, and is no longer planned",
        "Secret kept: update was approved, replace is planned",
        "Secret new: update is planned, and was not approved",
    ]


def test_the_order_of_the_steps_does_not_matter() -> None:
    events = [step("core/v1:Secret", name, new={"type": name}) for name in "abc"]

    assert of_events(*events).digest == of_events(*reversed(events)).digest


def test_the_digest_survives_the_file_that_it_is_kept_in() -> None:
    report = reviewed("larger-model")

    assert differences(report, Report.model_validate_json(report.model_dump_json())) == []


def test_every_recorded_change_has_a_digest_of_its_own() -> None:
    names = ["storage-class", "qdrant-renamed", "tight-model", "larger-model", "egress-opened"]

    assert len({reviewed(name).digest for name in names}) == len(names)


def test_where_a_machine_keeps_its_kubeconfig_is_no_change() -> None:
    """The path is an input of the provider: of CI, of a laptop, of the one who approves."""

    def at(path: str, context: str = "prod") -> dict[str, Any]:
        return step(
            "pulumi:providers:kubernetes",
            "cluster",
            old={"kubeconfig": "/home/a/.kube/config", "context": "prod"},
            new={"kubeconfig": path, "context": context},
        )

    assert of_events(at("/ci/kubeconfig")).verdict is Verdict.CLEAN
    assert of_events(at("/ci/kubeconfig", "other")).verdict is Verdict.CHANGES
