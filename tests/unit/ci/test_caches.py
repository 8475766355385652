"""What deploys comes out of no cache that a test wrote."""

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.paths import ROOT

_FOLDERS = ("parts", "data")
"""The folders that a deployer's cache may hold: what is compared with its record before it runs."""


class _GitLab(yaml.SafeLoader):
    """YAML with GitLab's `!reference`."""


_GitLab.add_constructor("!reference", lambda loader, node: loader.construct_sequence(node))


def _jobs(forge: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for file in sorted((ROOT / forge / "workflows").glob("*.yaml")):
        for name, job in yaml.safe_load(file.read_text())["jobs"].items():
            yield f"{file.name}: {name}", job


def _caches(job: dict[str, Any]) -> list[dict[str, str]]:
    return [step["with"] for step in job["steps"] if "actions/cache@" in step.get("uses", "")]


def _deploys(job: dict[str, Any]) -> bool:
    """Whether the job has an identity or a secret of the stack."""
    return "environment" in job or "secrets." in str(job)


DEPLOYING = {name: job for name, job in _jobs(".github") if _deploys(job)}
OTHERS = {name: job for name, job in _jobs(".github") if not _deploys(job)}


def test_the_jobs_that_deploy_are_known() -> None:
    assert {"apply.yaml: apply", "preview.yaml: preview", "drift.yaml: drift"} <= DEPLOYING.keys()
    assert "ci.yaml: test" in OTHERS


@pytest.mark.parametrize("name", DEPLOYING)
def test_on_github_a_deployer_restores_its_own_parts_only(name: str) -> None:
    written = {cache["key"].partition("-")[0] for job in OTHERS.values() for cache in _caches(job)}
    for cache in _caches(DEPLOYING[name]):
        assert cache["key"].partition("-")[0] not in written
        assert "restore-keys" not in cache  # which take what begins alike
        folders = [path.rpartition("/")[2] for path in cache["path"].split()]
        assert set(folders) <= set(_FOLDERS)


def test_forgejo_caches_nothing() -> None:
    assert not [name for name, job in _jobs(".forgejo") if _caches(job) or "cache" in job]


def test_on_gitlab_a_deployer_has_a_folder_and_a_cache_of_its_own() -> None:
    tests = yaml.load((ROOT / ".gitlab-ci.yml").read_text(), _GitLab)  # noqa: S506 - a safe loader
    stacks = yaml.load((ROOT / ".gitlab/stacks.yaml").read_text(), _GitLab)  # noqa: S506
    deployer = stacks[".stack"]
    folder = deployer["variables"]["PAI_CACHE"]

    assert folder != tests["test"]["variables"]["PAI_CACHE"]
    assert folder.startswith("$CI_PROJECT_DIR/.")  # emptied before every job
    assert ".." not in folder
    assert "cache" not in tests["test"]
    name = folder.removeprefix("$CI_PROJECT_DIR/")
    assert deployer["cache"]["paths"] == [f"{name}/{part}" for part in _FOLDERS]
    others = [job for job in stacks.values() if isinstance(job, dict) and job is not deployer]
    assert not [job for job in others if "PAI_CACHE" in job.get("variables", {})]
    assert not [job for job in others if "cache" in job]


@pytest.mark.parametrize("forge", [".github", ".forgejo"])
def test_every_deployer_can_demand_a_toolchain_by_its_digest(forge: str) -> None:
    for name, job in _jobs(forge):
        for step in job["steps"]:
            if "PULUMI_CONFIG_PASSPHRASE" in step.get("env", {}):
                assert step["env"]["PAI_TOOLCHAIN_SHA256"] == "${{ vars.PAI_TOOLCHAIN_SHA256 }}", (
                    name
                )
