"""`pai comment`: post the report of a preview on its pull request."""

import os
import re
from pathlib import Path
from typing import Annotated

import typer

from base.problems import Problem
from cli.errors import UsageError
from cli.options import stack_option
from review.forges import Forge

_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")


def _commit(value: str) -> str:
    if not _COMMIT.fullmatch(value):
        raise UsageError(
            Problem(
                path="--commit",
                got=value,
                allowed="a commit of 40 or 64 hexadecimal digits",
                change="pass the full commit, such as the output of `git rev-parse HEAD`",
            )
        )
    return value


ForgeOption = Annotated[Forge, typer.Option("--forge", help="Kind of forge.")]
RepositoryOption = Annotated[
    str | None,
    typer.Option("--repository", help="Repository, as owner/name. Default: from the CI variables."),
]
ApiOption = Annotated[
    str | None,
    typer.Option(
        "--api", help="URL of the API. Default: from the CI variables, else the public forge."
    ),
]
TokenFileOption = Annotated[
    Path | None,
    typer.Option(
        "--token-file",
        help="File with the token. Default: GITHUB_TOKEN, GITLAB_TOKEN or FORGEJO_TOKEN.",
    ),
]


def comment(  # noqa: PLR0917 - typer passes options by name
    report: Annotated[Path, typer.Option(help="Report from `pai review --format json`.")],
    forge: ForgeOption,
    pull: Annotated[int, typer.Option(min=1, help="Number of the pull or merge request.")],
    commit: Annotated[str, typer.Option(callback=_commit, help="Commit that was reviewed.")],
    stack: Annotated[str, stack_option("Stack that the report must be about.")],
    untrusted: Annotated[
        bool,
        typer.Option("--untrusted", help="Note that the pull request's own code made the report."),
    ] = False,
    repository: RepositoryOption = None,
    api: ApiOption = None,
    token_file: TokenFileOption = None,
) -> None:
    """Post a report on a pull request, or update the stack's earlier comment.

    The report is treated as data: it is validated against its schema and rendered here. If the
    head of the pull request is another commit, nothing is posted and the exit code is 0.

    Exit codes: 0 success, 1 the forge refused, 2 usage error or invalid report.
    """
    from cli.report_file import report_of
    from review.forge.access import open_repository
    from review.forge.comment import body, mark_of
    from review.forge.upsert import upsert_comment

    content = report_of(stack, report, "--report")
    there = open_repository(
        forge, os.environ, repository=repository, api=api, token_file=token_file
    )
    if there.head(pull) != commit:
        typer.echo(f"nothing posted: {commit} is not the head of #{pull}", err=True)
        return
    text = body(content, forge, commit, untrusted=untrusted)
    done = upsert_comment(there, pull, mark_of(content), text)
    typer.echo(f"comment of {stack} on #{pull}: {done}")
