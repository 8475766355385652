"""The tables of upgrades: each line with a change that it is about, and one that it is not."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.images import images
from catalog.upgrades.differences import HIDDEN
from catalog.upgrades.judge import judge
from catalog.upgrades.reference import render
from catalog.upgrades.table import kinds, parts
from catalog.upgrades.versions import size, version
from tests.paths import ROOT
from tests.policies.production import resources
from tests.unit.catalog.upgrade_cases import FIELDS, SET, STEPS, changed


@pytest.mark.parametrize("name", FIELDS)
def test_a_field_is_judged_by_its_line_of_the_table(name: str) -> None:
    case = FIELDS[name]

    found = judge(case.kind, case.old, case.new, protected=True)
    back = judge(case.kind, case.old, case.old, protected=True)

    assert [each.effect for each in found] == ([case.effect] if case.effect else [])
    assert back == []
    said = [step for each in found for step in each.steps]
    at = [next(i for i, step in enumerate(said) if part in step) for part in case.steps]
    assert at == sorted(at), said


@pytest.mark.parametrize("name", STEPS)
def test_a_step_between_versions_is_judged_by_its_line_of_the_table(name: str) -> None:
    step = STEPS[name]
    old, new = (
        {
            "metadata": {"name": "x", "namespace": "n"},
            "spec": {"template": {"image": f"{step.image}:{tag}"}},
        }
        for tag in (step.before, step.after)
    )

    found = judge(step.kind, old, new, protected=False)

    assert tuple(each.effect for each in found) == step.effects
    assert step.said in "\n".join(map(str, found))
    assert all(each.data for each in found if each.effect == "refused")


def test_every_line_of_the_tables_has_a_case() -> None:
    tried = {case.kind for case in FIELDS.values() if case.effect}

    assert {kind for kind in kinds() if kind != "ConfigMap"} <= tried
    ruled = {image for part in parts().values() if part.rules for image in part.images}
    assert ruled == {"qdrant", "keycloak", "postgres", "open-webui", "redis", "minio", "prometheus"}
    assert {name.partition(",")[0] for name in STEPS} >= ruled


def test_every_image_is_in_the_table_once() -> None:
    """A new image: look for its upgrade rules, and say where."""
    listed = [image for part in parts().values() for image in part.images]

    assert sorted(listed) == sorted(images())


def test_fields_that_pulumi_replaces_are_refused_of_protected_objects_alone() -> None:
    larger = FIELDS["a disk grows"]

    assert judge(larger.kind, larger.old, larger.new, protected=False) == []
    assert len(judge(larger.kind, larger.old, larger.new, protected=True)) == 1


def test_fewer_members_of_qdrant_need_their_shards_moved() -> None:
    of = changed(SET, "spec.template.spec.containers.0.image", "m.test/qdrant/qdrant:v1.19.0")

    [found] = judge("StatefulSet.apps", of, changed(of, "spec.replicas", 1), protected=True)

    assert found.effect == "refused"
    assert "qdrant-1 and qdrant-2" in found.problem.allowed
    assert "move_shard" in found.steps[0]
    assert judge("StatefulSet.apps", of, changed(of, "spec.replicas", 5), protected=True) == []
    assert judge("StatefulSet.apps", SET, changed(SET, "spec.replicas", 1), protected=True) == []


@pytest.mark.parametrize("name", FIELDS)
def test_a_hidden_value_is_neither_judged_nor_quoted(name: str) -> None:
    case = FIELDS[name]
    hidden = {key: value if key == "metadata" else HIDDEN for key, value in case.old.items()}

    assert judge(case.kind, case.old, hidden, protected=True) == []
    assert judge(case.kind, hidden, case.new, protected=True) == []


def test_the_content_of_a_secret_is_not_quoted() -> None:
    old, new = ({"metadata": {"name": "a"}, "data": {"k": text}} for text in ("aGk=", "eW8="))

    [found] = judge("Secret", old, new, protected=True)

    assert "aGk=" not in str(found)
    assert "eW8=" not in str(found)


_SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=3)


@given(
    st.recursive(
        _SCALARS,
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
        ),
    )
)
def test_no_shape_of_a_spec_ends_in_an_exception(spec: Any) -> None:
    for kind in kinds():
        judge(kind, {"metadata": {"name": "a"}, "spec": spec}, SET, protected=True)
        judge(kind, SET, {"spec": spec, "metadata": spec}, protected=True)


@pytest.mark.parametrize(
    ("tag", "numbers"),
    [
        ("v1.19.0-unprivileged", (1, 19, 0)),
        ("26.7.4", (26, 7, 4)),
        ("17.11-standard-trixie", (17, 11)),
        ("8.8.1-trixie", (8, 8, 1)),
        ("RELEASE.2025-09-07T16-13-09Z", (2025, 9, 7, 16, 13, 9)),
        ("latest", None),
        ("", None),
    ],
)
def test_the_version_of_a_tag(tag: str, numbers: tuple[int, ...] | None) -> None:
    assert version(tag) == numbers


def test_the_size_of_a_step() -> None:
    assert size((1, 2, 3), (1, 2, 4)) == "patch"
    assert size((1, 2, 3), (1, 3, 0)) == "minor"
    assert size((17, 11), (17, 12)) == "minor"
    assert size((17, 11), (18, 0)) == "major"


def test_every_image_of_a_part_with_steps_has_a_version_in_its_tag() -> None:
    ruled = [image for part in parts().values() if part.rules for image in part.images]

    assert [image for image in ruled if version(images()[image].tag) is None] == []


def test_the_page_is_current() -> None:
    """`make docs` writes it."""
    assert (ROOT / "docs/reference/upgrades.md").read_text(encoding="utf-8") == render()


_CHANGES = frozenset(
    {
        *("replicas", "ordinals", "template", "updateStrategy", "revisionHistoryLimit"),
        *("persistentVolumeClaimRetentionPolicy", "minReadySeconds"),
    }
)
"""Of StatefulSets, kubernetes v1.36.3 pkg/apis/apps/validation/validation.go:268."""


def _leaves(path: str, value: Any) -> Iterator[str]:
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from _leaves(f"{path}.{key}" if path else str(key), inner)
    elif isinstance(value, list) and value:
        for index, inner in enumerate(value):
            yield from _leaves(f"{path}.{index}", inner)
    else:
        yield path


@pytest.mark.slow
def test_each_field_of_a_stateful_set_of_prod_is_judged_as_the_api_server_does() -> None:
    tried = 0
    for found in (r for r in resources("prod") if r.kind == "StatefulSet.apps"):
        old = dict(found.props)
        for path in _leaves("spec", old["spec"]):
            new = changed(old, path, "changed")
            fixed = path.split(".")[1] not in _CHANGES
            judged = [j for j in judge(found.kind, old, new, protected=True) if not j.data]

            assert {j.effect for j in judged} == ({"refused"} if fixed else set()), (found.id, path)
            tried += 1
    assert tried > 200
