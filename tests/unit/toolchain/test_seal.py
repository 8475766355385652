"""What was built is what runs: hashes are recorded at the build and compared at every use."""

import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli import toolchain as commands
from toolchain import seal
from toolchain.errors import ToolchainError
from toolchain.locate import folder_of
from toolchain.pins import PARTS, Part

PULUMI = next(part for part in PARTS if part.name == "pulumi")


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The program of a part, as after a build and a first use."""
    monkeypatch.setenv("PAI_CACHE", str(tmp_path))
    program = folder_of(PULUMI) / PULUMI.name
    program.parent.mkdir(parents=True)
    program.write_text("built")
    seal.write(program.parent)
    seal.check([PULUMI])
    return program


def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files that are hashed from now on."""
    files: list[str] = []
    hashed = seal.hashlib.file_digest

    def count(file: Any, name: str) -> Any:
        files.append(str(file.name))
        return hashed(file, name)

    monkeypatch.setattr(seal.hashlib, "file_digest", count)
    return files


def replace(program: Path) -> None:
    """Give *program* another content of the same size, with the dates of before."""
    times = program.stat()
    program.write_text("BUILT")
    os.utime(program, ns=(times.st_atime_ns, times.st_mtime_ns))


def test_a_program_that_was_replaced_is_refused_with_both_hashes_and_the_remedy(
    program: Path,
) -> None:
    program.write_text("others")
    with pytest.raises(ToolchainError) as caught:
        seal.check([PULUMI])
    [problem] = caught.value.problems

    assert problem.path == str(program)
    assert problem.got.startswith("SHA-256 ")
    assert problem.allowed.startswith("SHA-256 ")
    assert problem.got != problem.allowed
    assert f"remove {program.parent} and run `pai toolchain build pulumi`" in problem.change


def test_a_program_of_the_same_size_and_date_is_refused(program: Path) -> None:
    """As whoever replaces a program can arrange, but for inode and ctime."""
    replace(program)

    with pytest.raises(ToolchainError):
        seal.check([PULUMI])


def test_it_stays_refused(program: Path) -> None:
    program.write_text("others")
    for _ in range(2):
        with pytest.raises(ToolchainError):
            seal.check([PULUMI])


@pytest.mark.parametrize("name", ["more", "sub/more"])
def test_a_file_that_was_not_built_and_one_that_is_gone_are_refused(
    program: Path, name: str
) -> None:
    more = program.parent / name
    more.parent.mkdir(exist_ok=True)
    more.write_text("")
    program.unlink()
    with pytest.raises(ToolchainError) as caught:
        seal.check([PULUMI])

    assert {(p.path, p.got == "no file") for p in caught.value.problems} == {
        (str(more), False),
        (str(program), True),
    }


def test_a_record_that_is_no_record_is_refused(program: Path) -> None:
    (program.parent / "sha256.json").write_text("[")
    (program.parent / "verified.json").unlink()
    with pytest.raises(ToolchainError, match=r"allowed: +no file"):
        seal.check([PULUMI])


def test_an_unchanged_program_is_hashed_once(
    program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = counted(monkeypatch)

    seal.check([PULUMI])
    assert files == []
    seal.check([PULUMI], again=True)
    assert files == [str(program)]


def test_what_a_cache_restored_is_hashed_whatever_it_says_about_itself(
    program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With its stamp and its dates, as an archive restores them."""
    archive = tmp_path / "archive"
    shutil.copytree(program.parent, archive)
    shutil.rmtree(program.parent)
    replace(archive / PULUMI.name)
    shutil.copytree(archive, program.parent)
    files = counted(monkeypatch)

    with pytest.raises(ToolchainError):
        seal.check([PULUMI])
    assert files == [str(program)]


def test_what_an_older_version_built_is_recorded_when_it_is_first_used(program: Path) -> None:
    for file in ("sha256.json", "verified.json"):
        (program.parent / file).unlink()
    seal.check([PULUMI])
    program.write_text("others")

    with pytest.raises(ToolchainError):
        seal.check([PULUMI])


def digest_of(content: str, part: Part = PULUMI) -> str:
    (folder_of(part) / part.name).write_text(content)
    seal.write(folder_of(part))
    return seal.digest([part])


def test_the_digest_follows_the_files_and_not_the_time_of_their_build(program: Path) -> None:
    first = digest_of("built")
    (program.parent / "part.json").write_text('{"seconds": 1}')

    assert seal.digest([PULUMI]) == first
    assert digest_of("others") != first


def test_a_digest_that_is_kept_elsewhere_refuses_a_program_and_its_record(program: Path) -> None:
    """Who can write the one can write the other."""
    pin = {seal.PIN: digest_of("built")}
    seal.check_pin([PULUMI], pin)
    seal.check_pin([PULUMI], {seal.PIN: ""})
    digest_of("others")
    seal.check([PULUMI])

    with pytest.raises(ToolchainError, match=seal.PIN):
        seal.check_pin([PULUMI], pin)
    assert program.read_text() == "others"


def test_verify_prints_every_hash_and_the_digest_and_refuses_what_changed(program: Path) -> None:
    said = CliRunner().invoke(commands.app, ["verify"])

    assert said.exit_code == 0
    assert "  pulumi/pulumi\n" in said.output
    assert f"{seal.PIN}={seal.digest([PULUMI])}" in said.output
    program.write_text("others")
    assert CliRunner().invoke(commands.app, ["verify"]).exit_code == 1


@pytest.mark.usefixtures("program")
def test_verify_of_nothing_is_no_success() -> None:
    shutil.rmtree(folder_of(PULUMI))

    assert CliRunner().invoke(commands.app, ["verify"]).exit_code == 1
