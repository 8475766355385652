"""`pai comment`: the report of a preview, on its pull request."""

import os
import re
from pathlib import Path
from typing import Annotated

import typer

from cli.report_file import read_report
from cli.toolchain import explained
from review.forge.access import open_repository
from review.forge.comment import body, mark_of
from review.forge.upsert import upsert_comment
from review.markdown import Forge

_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")


def _commit(value: str) -> str:
    if not _COMMIT.fullmatch(value):
        message = "a commit is 40 or 64 hexadecimal digits"
        raise typer.BadParameter(message)
    return value


ForgeOption = Annotated[Forge, typer.Option("--forge", help="Whose API it is.")]
RepositoryOption = Annotated[
    str | None, typer.Option("--repository", help="owner/name. Default: of the CI's variables.")
]
ApiOption = Annotated[
    str | None,
    typer.Option("--api", help="Address of the API. Default: of the CI's variables, else public."),
]
TokenFileOption = Annotated[
    Path | None,
    typer.Option(
        "--token-file", help="Default: the variable GITHUB_TOKEN, GITLAB_TOKEN or FORGEJO_TOKEN."
    ),
]


def comment(  # noqa: PLR0917 - typer passes options by name
    report: Annotated[Path, typer.Option(help="What `pai review --format json` wrote.")],
    forge: ForgeOption,
    pull: Annotated[int, typer.Option(min=1, help="Number of the pull or merge request.")],
    commit: Annotated[
        str, typer.Option(callback=_commit, help="The commit that the report is about.")
    ],
    stack: Annotated[str, typer.Option(help="The stack that the report has to be about.")],
    untrusted: Annotated[
        bool, typer.Option("--untrusted", help="Say that the pull request's own code made it.")
    ] = False,
    repository: RepositoryOption = None,
    api: ApiOption = None,
    token_file: TokenFileOption = None,
) -> None:
    """Post a report as the one comment of its stack on a pull request, or update that.

    The report is data: it is checked against its schema and rendered here. Nothing is posted where
    the pull request has moved on to another commit, or never proposed this one; that exits 0.
    Exits 1 if the forge refuses, 2 for a wrong command line or a file that is no report.
    """
    content = read_report(report, "--report")
    if content.stack != stack:
        message = f"{report.name} is about another stack than {stack}"
        raise typer.BadParameter(message, param_hint="--report")
    with explained() as console:
        there = open_repository(
            forge, os.environ, repository=repository, api=api, token_file=token_file
        )
        if there.head(pull) != commit:
            console.print(f"nothing posted: {commit} is not what #{pull} proposes now")
            return
        text = body(content, forge, commit, untrusted=untrusted)
        done = upsert_comment(there, pull, mark_of(content), text)
    typer.echo(f"comment of {stack} on #{pull}: {done}")
