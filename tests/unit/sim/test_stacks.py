"""Which cluster a stack expects is read from its own file, and from nothing else of it."""

from pathlib import Path

import pytest

from sim.errors import SimError
from sim.stacks import cluster_of, is_disposable, stack_names

GOOD = """
config:
  aws:region: elsewhere
  private-ai:stack:
    hosts: {nobody: checks this here}
    cluster:
      context: it
      identifier: it
      nodes: [{profile: cpu-8, count: 2}]
      storage_classes: [{name: fast}]
"""


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "Pulumi.yaml").write_text("name: it\n")
    (tmp_path / "Pulumi.good.yaml").write_text(GOOD)
    below = tmp_path / "docs"
    below.mkdir()
    monkeypatch.chdir(below)
    return tmp_path


def test_the_cluster_section_is_read_and_the_rest_of_the_stack_is_not() -> None:
    assert cluster_of("good").nodes[0].count == 2
    assert stack_names() == ["good"]


def test_a_stack_without_a_file_is_told_apart_from_those_that_have_one() -> None:
    with pytest.raises(SimError, match=r"got: +god\s+allowed: +one of good"):
        cluster_of("god")


def test_a_file_of_another_name_may_hold_the_stack(project: Path) -> None:
    elsewhere = project / "docs" / "mine.yaml"
    elsewhere.write_text(GOOD.replace("count: 2", "count: 7"))
    assert cluster_of("any", elsewhere).nodes[0].count == 7


def test_a_file_that_is_not_there_is_told_by_the_option_that_named_it(project: Path) -> None:
    with pytest.raises(SimError, match=r"--config-file\s+got: +.*/none\.yaml"):
        cluster_of("good", project / "none.yaml")


@pytest.mark.parametrize("text", ["config: {}\n", "", "config:\n  private-ai:stack: {}\n"])
def test_a_missing_section_is_told_by_its_path(project: Path, text: str) -> None:
    (project / "Pulumi.bare.yaml").write_text(text)
    with pytest.raises(SimError, match=r"Pulumi\.bare\.yaml: config\.private-ai:stack\.cluster"):
        cluster_of("bare")


def test_every_wrong_value_is_told_by_its_path_at_once(project: Path) -> None:
    wrong = GOOD.replace("count: 2", "count: 0").replace("context: it", "contxt: it")
    (project / "Pulumi.wrong.yaml").write_text(wrong)
    with pytest.raises(SimError) as told:
        cluster_of("wrong")
    problems = told.value.problems
    assert [problem.path.split(": ")[1] for problem in problems] == [
        "config.private-ai:stack.cluster.context",
        "config.private-ai:stack.cluster.nodes[0].count",
        "config.private-ai:stack.cluster.contxt",
    ]
    assert problems[1].got == "0"


def test_a_stack_is_disposable_if_its_file_says_so_or_is_an_example(project: Path) -> None:
    given_up = GOOD + "    platform: {disposable: true}\n"
    (project / "Pulumi.lost.yaml").write_text(given_up)
    (project / "examples").mkdir()
    example = project / "examples" / "one.yaml"
    example.write_text(GOOD)

    assert is_disposable("lost")
    assert is_disposable("one", example)
    assert not is_disposable("good")
    assert not is_disposable("absent")
