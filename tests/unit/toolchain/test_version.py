"""Versions: their order, and the one that a program reports."""

from pathlib import Path

import pytest

from toolchain.version import order, reported_version


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("3.99.0", "3.256.0"),
        ("3.256.0", "v3.256.1"),
        ("4.24.0", "4.24.1-0.20260115033456-f47bc2d6f199"),
        ("4.24.1-0.20260115033456-f47bc2d6f199", "4.24.1"),
        ("1.0.0-2", "1.0.0-10"),
        ("1.0.0-10", "1.0.0-alpha"),
    ],
)
def test_versions_sort_as_semver_does(older: str, newer: str) -> None:
    assert order(older) < order(newer)


def test_what_stands_after_the_plus_does_not_count() -> None:
    assert order("5.2.3+terraform-provider-tls.4.0.5") == order("v5.2.3")


def _program(folder: Path, name: str, says: str) -> Path:
    program = folder / name
    program.write_text(f"#!/bin/sh\n{says}\n")
    program.chmod(0o755)
    return program


@pytest.mark.parametrize(
    ("name", "says", "version"),
    [
        ("kube-apiserver", "echo Kubernetes v1.36.3", "1.36.3"),
        ("kwok", "echo 'kwok version v0.8.0 go1.26.8 (linux/amd64)'", "0.8.0"),
        ("etcd", "echo 'etcd Version: 3.6.8'; echo 'Go Version: go1.26.8'", "3.6.8"),
        ("pulumi", '[ "$1" = version ] && echo v3.256.0', "3.256.0"),
        ("etcd", "exit 1", None),
        ("pulumi-resource-tls", "echo not a port", None),
        ("pulumi-resource-tls", "exit 1", None),
    ],
)
def test_a_program_reports_its_version(
    tmp_path: Path, name: str, says: str, version: str | None
) -> None:
    assert reported_version(_program(tmp_path, name, says)) == version


def test_a_program_that_is_not_there_has_no_version(tmp_path: Path) -> None:
    assert reported_version(tmp_path / "etcd") is None
    assert reported_version(tmp_path / "pulumi-resource-tls") is None
