"""`pai comment`: the report is data, the token is a secret, and the pull request may move on."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

import review.forge.comment
from cli.main import app
from review.forge.comment import body
from review.forges import Forge
from review.markdown import LIMITS
from review.report import Report
from tests.forge.server import HEAD, REPOSITORY, TOKEN, StandIn, serving
from tests.unit.review.review_support import reviewed


@pytest.fixture
def there() -> Iterator[StandIn]:
    """A Forgejo."""
    with serving(StandIn(Forge.FORGEJO)) as stand_in:
        yield stand_in


@pytest.fixture
def report(tmp_path: Path) -> Path:
    """A report in a file."""
    file = tmp_path / "review.json"
    file.write_text(reviewed("larger-model").model_dump_json())
    return file


def _run(there: StandIn, report: Path, *words: str, token: str = TOKEN) -> Result:
    options = {
        "--report": str(report),
        "--forge": "forgejo",
        "--repository": REPOSITORY,
        "--pull": "1",
        "--commit": HEAD,
        "--stack": "local",
        "--api": there.api,
    }
    options |= dict(zip(words[::2], words[1::2], strict=False))
    flat = [word for pair in options.items() for word in pair if word]
    return CliRunner().invoke(app, ["comment", *flat], env={"FORGEJO_TOKEN": token})


def test_the_report_is_rendered_here_with_digest_and_commit(there: StandIn, report: Path) -> None:
    done = _run(there, report)

    assert (done.exit_code, done.stdout) == (0, "comment of local on #1: created\n")
    [comment] = there.comments
    assert comment.body.startswith("<!-- pai review: local -->\n## ")
    assert reviewed("larger-model").digest in comment.body
    assert comment.body.rstrip().endswith(f"Commit: `{HEAD}`")


def test_nothing_is_posted_once_the_pull_request_has_moved_on(there: StandIn, report: Path) -> None:
    """Also the case of a report that names somebody else's pull request."""
    there.head = "b" * 40

    done = _run(there, report)

    assert done.exit_code == 0
    assert "nothing posted" in done.stderr
    assert there.comments == []


def test_what_a_forks_own_code_made_says_so_first(there: StandIn, report: Path) -> None:
    _run(there, report, "--untrusted", "")

    [comment] = there.comments
    assert comment.body.splitlines()[1].startswith(
        "> **Unverified: created by the code of this pull request, without credentials.**"
    )


@pytest.mark.parametrize("forge", list(Forge))
def test_what_is_added_still_fits(forge: Forge, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: Report, limit: int) -> str:
        return "mark\n".ljust(limit, "x")

    monkeypatch.setattr(review.forge.comment, "fitted", full)

    made = body(reviewed("created"), forge, "a" * 64, untrusted=True)

    assert len(made) <= LIMITS[forge]


def test_a_report_that_is_none_is_refused_and_not_posted(there: StandIn, report: Path) -> None:
    report.write_text('{"stack": "local", "markdown": "<script>"}')

    done = _run(there, report)

    assert done.exit_code == 2
    assert "--report\n    got:      " in done.stderr
    assert "with a schema error at " in done.stderr
    assert there.asked == []


def test_a_report_about_another_stack_is_refused(there: StandIn, report: Path) -> None:
    done = _run(there, report, "--stack", "prod")

    assert done.exit_code == 2
    assert there.asked == []


def test_a_name_in_the_report_cannot_leave_its_code(there: StandIn, report: Path) -> None:
    hostile = reviewed("larger-model")
    [first, *rest] = hostile.components
    named = first.model_copy(update={"name": "`--> @everyone <img src=x>"})
    report.write_text(hostile.model_copy(update={"components": [named, *rest]}).model_dump_json())

    assert _run(there, report).exit_code == 0
    [comment] = there.comments
    assert "<img" not in comment.body.replace("`` `--> @everyone <img src=x> ``", "")


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--commit", "main"),
        ("--commit", "a" * 40 + "\n"),
        ("--pull", "0"),
        ("--pull", "1/../2"),
        ("--forge", "bitbucket"),
    ],
)
def test_an_option_that_is_no_such_thing_is_refused(
    there: StandIn, report: Path, option: str, value: str
) -> None:
    assert _run(there, report, option, value).exit_code == 2
    assert there.asked == []


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--repository", "team", "--repository"),
        ("--repository", "team/..", "--repository"),
        ("--repository", "team/stack?x=1", "--repository"),
        ("--api", "http://forge.example/api/v1", "use https"),
        ("--token-file", "/nowhere", "FORGEJO_TOKEN"),
    ],
)
def test_where_and_whose_are_checked_before_anything_is_sent(
    there: StandIn, report: Path, option: str, value: str, said: str
) -> None:
    done = _run(there, report, option, value)

    assert done.exit_code == 1
    assert said in done.stderr
    assert there.asked == []


def test_the_token_may_come_from_a_file(there: StandIn, report: Path, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")

    assert _run(there, report, "--token-file", str(file), token="").exit_code == 0


@pytest.mark.parametrize("token", ["canary wrong", "canary-wrong", ""])
def test_no_token_is_ever_printed(there: StandIn, report: Path, token: str) -> None:
    done = _run(there, report, token=token)

    assert done.exit_code == 1
    assert not token or token not in done.output
