"""The ready workflows, read by the programs and schemas that are made to find their mistakes."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
import yaml
from jsonschema import validators

from tests.conformance.peers import workflow_checkers
from tests.paths import ROOT

GITHUB = sorted((ROOT / ".github" / "workflows").glob("*.yaml"))
FORGEJO = sorted((ROOT / ".forgejo" / "workflows").glob("*.yaml"))
GITLAB = [ROOT / ".gitlab-ci.yml", ROOT / ".gitlab" / "stacks.yaml"]
OURS = ("preview", "comment", "apply", "drift")


class _Yaml12(yaml.SafeLoader):
    """YAML in which `on` is no boolean, as every forge reads it."""

    yaml_implicit_resolvers: ClassVar = {  # pyrefly: ignore[bad-override]
        first: [(tag, shape) for tag, shape in found if not tag.endswith(":bool")]
        for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


_Yaml12.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("^(true|false)$"), list("tf"))


def _reference(loader: yaml.SafeLoader, node: Any) -> Any:
    return loader.construct_sequence(node)


_Yaml12.add_constructor("!reference", _reference)


def _read(file: Path) -> Any:
    return yaml.load(file.read_text(), _Yaml12)  # noqa: S506 - a subclass of the safe loader


def _wrong(content: Any, name: str) -> list[str]:
    schema = workflow_checkers.schema(name)
    errors = validators.validator_for(schema)(schema).iter_errors(content)
    return [f"{error.json_path}: {error.message}" for error in errors]


def _name(file: Path) -> str:
    return f"{file.parent.parent.name}/{file.name}"


@pytest.mark.parametrize("file", GITHUB, ids=_name)
def test_github_would_take_it(file: Path) -> None:
    assert _wrong(_read(file), "github-workflows") == []
    done = subprocess.run(
        [workflow_checkers.actionlint(), "-shellcheck=", "-pyflakes=", str(file)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("file", GITHUB, ids=_name)
def test_zizmor_finds_no_weakness_in_it(file: Path) -> None:
    done = subprocess.run(
        [workflow_checkers.zizmor(), "--offline", "--no-progress", str(file)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("file", GITLAB, ids=_name)
def test_gitlab_would_take_it(file: Path) -> None:
    assert _wrong(_read(file), "gitlab-ci") == []


@pytest.mark.parametrize("file", FORGEJO, ids=_name)
def test_forgejo_differs_from_github_in_one_key_alone(file: Path) -> None:
    """Forgejo publishes no schema of its own; the key is in its Actions reference."""
    content = _read(file)
    for job in content["jobs"].values():
        job.pop("enable-openid-connect", None)

    assert _wrong(content, "github-workflows") == []


def _jobs(file: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    yield from _read(file)["jobs"].items()


@pytest.mark.parametrize("file", [*GITHUB, *FORGEJO], ids=_name)
def test_what_runs_a_forks_code_has_no_credential(file: Path) -> None:
    for name, job in _jobs(file):
        text = str(job)
        if "head.repo.full_name != github.repository" in job.get("if", ""):
            assert "secrets." not in text, name
            assert "id-token" not in text, name
            assert "openid" not in text, name
            assert "_TOKEN" not in text, name
            assert "environment" not in job, name


@pytest.mark.parametrize("file", [*GITHUB, *FORGEJO], ids=_name)
def test_what_deploys_never_runs_twice_at_once_and_takes_only_what_was_reviewed(
    file: Path,
) -> None:
    for name, job in _jobs(file):
        runs = "\n".join(step.get("run", "") for step in job.get("steps", []))
        if "pai apply" in runs:
            assert job["concurrency"]["cancel-in-progress"] is False, name
            assert job["concurrency"]["group"].startswith("stack-"), name
            assert "--reviewed" in runs, name


def test_gitlab_deploys_one_at_a_time_after_somebody_said_so() -> None:
    job = _read(ROOT / ".gitlab" / "stacks.yaml")["apply"]

    assert job["resource_group"] == "stack-$STACK"
    assert [rule["when"] for rule in job["rules"]] == ["manual"]
    assert "--reviewed" in str(job["script"])


@pytest.mark.parametrize("file", [*GITHUB, *FORGEJO], ids=_name)
def test_nothing_from_outside_is_pasted_into_a_shell(file: Path) -> None:
    """Values reach a script through its environment, never through its text."""
    for name, job in _jobs(file):
        for step in job.get("steps", []):
            assert "${{" not in step.get("run", ""), name


@pytest.mark.parametrize("file", [f for f in GITHUB if f.stem in OURS], ids=_name)
def test_ours_run_only_where_stacks_are_named(file: Path) -> None:
    for name, job in _jobs(file):
        assert "vars.PAI_STACKS != ''" in job.get("if", "") or "needs" in job, name
