"""Known linters find nothing at their error level in production that docs/linters.md leaves out."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conformance.peers import linters
from tests.conformance.peers.linters import Complaint
from tests.policies.production import ROOT, resources

_ROW = re.compile(r"^\| (kube-score|checkov) \| (\S+) \| (.+?) \| (.+?) \|$", re.MULTILINE)


@dataclass(frozen=True)
class Explained:
    """One row of docs/linters.md."""

    tool: str
    check: str
    objects: tuple[str, ...]

    def covers(self, found: Complaint) -> bool:
        """Whether it explains *found*."""
        return (self.tool, self.check) == (found.tool, found.check) and any(
            fnmatchcase(found.name, pattern) for pattern in self.objects
        )


def explained(tool: str) -> list[Explained]:
    page = (ROOT / "docs" / "linters.md").read_text()
    rows = [Explained(m[1], m[2], tuple(m[3].split(", "))) for m in _ROW.finditer(page)]
    return [row for row in rows if row.tool == tool]


@pytest.fixture(scope="module")
def manifests(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Production as files: numbers that are whole are whole there."""
    file = tmp_path_factory.mktemp("production") / "production.yaml"
    objects: list[Any] = [
        json.loads(json.dumps(resource.props), parse_float=_number)
        for resource in resources("prod")
    ]
    file.write_text(yaml.safe_dump_all(objects))
    return file


def _number(text: str) -> float:
    value = float(text)
    return int(value) if value.is_integer() else value


def _held_against(tool: str, manifests: Path) -> Iterator[Complaint]:
    return linters.kube_score(manifests) if tool == "kube-score" else linters.checkov(manifests)


@pytest.mark.parametrize("tool", ["kube-score", "checkov"])
def test_every_error_of_a_linter_is_explained_by_name_and_every_explanation_is_needed(
    tool: str, manifests: Path
) -> None:
    found = list(_held_against(tool, manifests))
    rows = explained(tool)
    assert found, "it finds what is explained, at least"
    assert [f for f in found if not any(row.covers(f) for row in rows)] == []
    assert [row for row in rows if not any(row.covers(f) for f in found)] == []
    idle = [(row.check, p) for row in rows for p in row.objects if not _needed(row, p, found)]
    assert idle == []


def _needed(row: Explained, pattern: str, found: list[Complaint]) -> bool:
    return any(Explained(row.tool, row.check, (pattern,)).covers(complaint) for complaint in found)


def test_production_is_what_the_schema_of_kubernetes_says(manifests: Path, tmp_path: Path) -> None:
    assert linters.kubeconform(manifests, tmp_path) == ""


def test_the_schema_refuses_a_field_that_there_is_not(manifests: Path, tmp_path: Path) -> None:
    spoilt = tmp_path / "spoilt.yaml"
    spoilt.write_text(manifests.read_text().replace("serviceAccountName:", "serviceAccuntName:"))
    schemas = tmp_path / "schemas"
    schemas.mkdir()
    assert "serviceAccuntName" in linters.kubeconform(spoilt, schemas)
