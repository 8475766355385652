"""`pai apply`: deploy what was reviewed, and nothing else."""

import re
import subprocess
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from base.problems import Problem
from cli.errors import UsageError
from cli.report_file import read_report
from cli.review import EXIT_CODES, environment_for, preview_report
from review.digest import differences
from review.report import Report, Verdict
from review.run import with_pack
from review.wording import visible
from toolchain.environment import PROJECT
from toolchain.errors import ToolchainError

NOT_REVIEWED = 6
"""Exit code when the preview differs from what was reviewed."""

_DIGEST = re.compile(r"[0-9a-f]{64}")
_APPLICABLE = (Verdict.CLEAN, Verdict.CHANGES)
_SHOWN = 40
"""Differences that are listed one by one."""

ReviewedOption = Annotated[
    str,
    typer.Option(
        "--reviewed",
        metavar="REPORT|DIGEST",
        help="The approved report (JSON) or its digest. Only a report shows the differences.",
    ),
]


def apply(
    stack: Annotated[str, typer.Option(help="Stack to deploy.")],
    approved: ReviewedOption,
) -> None:
    """Deploy a stack if a new preview plans exactly what was reviewed.

    Uses the state backend and cluster of the environment, as `pai review` does.

    Exit codes: 0 deployed or nothing to do, 1 the preview or the deployment failed, 2 usage error,
    4 refused by a policy or the rules of upgrades, 5 the configuration is invalid, 6 the preview is
    not what was reviewed.
    """
    if check_approved(stack, approved).verdict is Verdict.CLEAN:
        typer.echo(f"{stack}: nothing to do")
        return
    env, _ = environment_for(stack, Console(stderr=True))
    arguments = ["up", "--stack", stack, "--yes", "--skip-preview", "--suppress-outputs"]
    done = subprocess.run(  # noqa: S603 - no shell
        ["pulumi", *arguments, "--non-interactive"],  # noqa: S607 - from PATH
        cwd=PROJECT,
        env=with_pack(PROJECT, env),
        check=False,
    )
    if done.returncode:
        raise ToolchainError(
            Problem(
                path=f"pulumi up --stack {stack}",
                got="errors, listed above",
                allowed="every resource created and ready",
                change="fix the errors above; the remaining changes need a new review",
            )
        )


def check_approved(stack: str, approved: str) -> Report:
    """Preview *stack* and return the report; exit unless it plans exactly what *approved* names."""
    report = None if _DIGEST.fullmatch(approved) else _approved(Path(approved), stack)
    current = preview_report(stack)
    console = Console(stderr=True)
    if current.verdict not in _APPLICABLE:
        _print(console, f"{stack}: {current.verdict}; nothing was changed. See `pai review`.")
        raise typer.Exit(EXIT_CODES[current.verdict])
    if current.digest != (report.digest if report else approved):
        _print(console, f"{stack}: the preview is not what was reviewed; nothing was changed")
        lines = differences(report, current) if report else [f"new digest: {current.digest}"]
        for line in lines[:_SHOWN]:
            _print(console, f"  {line}")
        if len(lines) > _SHOWN:
            _print(console, f"  and {len(lines) - _SHOWN} more")
        _print(console, "Review again (`pai review`), or restore the cluster and the code.")
        raise typer.Exit(NOT_REVIEWED)
    return current


def _approved(file: Path, stack: str) -> Report:
    report = read_report(file, "--reviewed")
    if report.stack != stack:
        raise UsageError(
            Problem(
                path="--reviewed",
                got=f"{file.name}, a report of stack {report.stack}",
                allowed=f"a report of stack {stack}",
                change="pass the report of this stack, or another --stack",
            )
        )
    if report.verdict not in _APPLICABLE:
        raise UsageError(
            Problem(
                path="--reviewed",
                got=f"{file.name}, whose verdict is {report.verdict}",
                allowed=f"a report whose verdict is {' or '.join(_APPLICABLE)}",
                change="fix what the report shows, then review again",
            )
        )
    return report


def _print(console: Console, line: str) -> None:
    console.print(visible(line), markup=False, highlight=False, soft_wrap=True)
