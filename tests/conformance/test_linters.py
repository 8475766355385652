"""Known linters find no error in prod, or the examples, that is not explained by name."""

import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from policies import Resource, check
from policies.waivers import Waivers
from tests.conformance import differences
from tests.conformance.generated import KEY, ROOT, Generated, generate
from tests.conformance.peers.certificates import Certificates, RsaKey
from tests.conformance.peers.linters import LINTERS, Complaint, Written, kube_score

Stacks = Mapping[str, Sequence[dict[str, Any]]]


@pytest.fixture(scope="module")
def stacks_rendered(prod: Generated, realm_key: RsaKey, certificates: Certificates) -> Stacks:
    """The Kubernetes objects of prod and of every example."""
    authority = certificates.authority.read_text()
    files = sorted((ROOT / "examples").glob("*.yaml"))
    raw = {file.stem: yaml.safe_load(file.read_text())["config"][KEY] for file in files}
    examples = {name: generate(name, realm_key, authority, said) for name, said in raw.items()}
    return {"prod": prod.manifests()} | {
        name: generated.manifests() for name, generated in examples.items()
    }


@pytest.fixture(scope="module")
def complaints(
    stacks_rendered: Stacks, tmp_path_factory: pytest.TempPathFactory
) -> list[Complaint]:
    """What every linter calls an error."""
    folder = tmp_path_factory.mktemp("linters")
    # kube-score reads how the objects of a stack refer to each other, and is quick; the others
    # read one object at a time, so one that several stacks have is given to them once.
    each = [Written.to(folder / f"{name}.yaml", m) for name, m in stacks_rendered.items()]
    every = {json.dumps(m, sort_keys=True): m for written in each for m in written.manifests}
    once = Written.to(folder / "once.yaml", every.values())
    tasks = [(kube_score, written) for written in each]
    tasks += [(linter, once) for linter in LINTERS.values() if linter is not kube_score]
    with ThreadPoolExecutor() as pool:
        found = pool.map(lambda task: list(task[0](task[1])), tasks)
        return [complaint for some in found for complaint in some]


def test_every_error_of_a_linter_is_explained_by_name(complaints: list[Complaint]) -> None:
    assert {complaint.linter for complaint in complaints} == set(LINTERS)
    assert unexplained(complaints) == set()


def test_every_explanation_is_needed(complaints: list[Complaint]) -> None:
    one_by_one = [one for listed in differences.load() for one in listed.patterns()]
    assert [d for d in one_by_one if not any(map(d.explains, complaints))] == []


def test_where_a_rule_is_the_explanation_the_pack_finds_the_same_on_the_same_object(
    stacks_rendered: Stacks, complaints: list[Complaint]
) -> None:
    ours = {found for manifests in stacks_rendered.values() for found in findings(manifests)}
    claimed = {
        (listed.rule, complaint.resource)
        for listed in differences.load()
        for complaint in complaints
        if listed.rule and listed.explains(complaint)
    }
    assert claimed - ours == set()


def test_each_linter_speaks_when_a_workload_of_production_is_spoilt(
    prod: Generated, tmp_path: Path
) -> None:
    [kong] = [m for m in prod.manifests() if Resource.of(m).id == "Deployment.apps/kong/kong-auto"]
    spoilt = deepcopy(kong)
    [container] = spoilt["spec"]["template"]["spec"]["containers"]
    container["securityContext"] = {"privileged": True, "runAsRoot": True}
    written = Written.to(tmp_path / "spoilt.yaml", [spoilt])
    found = {name: {c.check for c in linter(written)} for name, linter in LINTERS.items()}
    assert "container-security-context-privileged" in found["kube-score"]
    assert {"CKV_K8S_16", "CKV_K8S_22", "CKV2_K8S_6"} <= found["checkov"]
    assert {"Container Is Privileged", "Privilege Escalation Allowed"} <= found["kics"]
    assert found["kubernetes-validate"] == {"invalid"}


def test_the_page_says_what_the_list_says() -> None:
    said = (ROOT / "docs" / "reference" / "linters.md").read_text()
    assert said == differences.page(), "run: make docs"


def unexplained(complaints: list[Complaint]) -> set[Complaint]:
    listed = differences.load()
    return {found for found in complaints if not any(d.explains(found) for d in listed)}


def findings(manifests: Sequence[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    """Rule and object of all that the pack finds, nothing waived."""
    resources = [Resource.of(manifest) for manifest in manifests]
    for found in check(resources, waivers=Waivers([], date(2026, 11, 21))):
        if found.resource is not None:
            yield found.rule, found.resource.id
