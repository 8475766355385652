"""`pai apply`: what was reviewed, and nothing else."""

import re
import subprocess
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from base.problems import Problem
from cli.report_file import read_report
from cli.review import EXIT_CODES, environment_for, reviewed
from cli.toolchain import explained
from review.digest import differences
from review.report import Report, Verdict
from review.run import with_pack
from review.wording import visible
from toolchain.environment import PROJECT
from toolchain.errors import ToolchainError

NOT_REVIEWED = 6
"""Exit code where what would happen is not what was reviewed."""

_DIGEST = re.compile(r"[0-9a-f]{64}")
_APPLICABLE = (Verdict.CLEAN, Verdict.CHANGES)
_SHOWN = 40
"""Differences told one by one."""

ReviewedOption = Annotated[
    str,
    typer.Option(
        "--reviewed",
        help="The report that was approved (JSON), or its digest; a report tells where it differs.",
    ),
]


def apply(
    stack: Annotated[str, typer.Option(help="The stack to deploy.")],
    approved: ReviewedOption,
) -> None:
    """Deploy a stack if a preview made now plans exactly what was reviewed.

    Uses the state and cluster of the shell, as `pai review` does. Exits 0 once it is deployed, or
    where there is nothing to do; 6 where the preview is not what was reviewed, 4 if a policy
    refuses, 5 if the configuration does not fit, 1 if the preview or the deployment failed.
    """
    if permitted(stack, approved).verdict is Verdict.CLEAN:
        typer.echo(f"{stack}: nothing to do")
        return
    with explained() as console:
        env, _ = environment_for(stack, console)
        words = ["up", "--stack", stack, "--yes", "--skip-preview", "--suppress-outputs"]
        done = subprocess.run(  # noqa: S603 - no shell
            ["pulumi", *words, "--non-interactive"],  # noqa: S607 - of the PATH
            cwd=PROJECT,
            env=with_pack(PROJECT, env),
            check=False,
        )
        if done.returncode:
            raise ToolchainError(
                Problem(
                    path=f"pulumi up --stack {stack}",
                    got="a failure, told above",
                    allowed="every resource created and ready",
                    change="mend what is told above; what is left to do needs a review of its own",
                )
            )


def permitted(stack: str, approved: str) -> Report:
    """Today's preview of *stack*, which plans what *approved* names; ends the command otherwise."""
    report = None if _DIGEST.fullmatch(approved) else _approved(Path(approved), stack)
    today = reviewed(stack)
    console = Console(stderr=True)
    if today.verdict not in _APPLICABLE:
        _say(console, f"{stack}: {today.verdict}, so nothing was changed; `pai review` says why")
        raise typer.Exit(EXIT_CODES[today.verdict])
    if today.digest != (report.digest if report else approved):
        _say(console, f"{stack}: not what was reviewed, so nothing was changed")
        told = differences(report, today) if report else [f"its digest is {today.digest}"]
        for line in told[:_SHOWN]:
            _say(console, f"  {line}")
        if len(told) > _SHOWN:
            _say(console, f"  and {len(told) - _SHOWN} more")
        _say(console, "Review it anew (`pai review`), or bring the cluster and the code back.")
        raise typer.Exit(NOT_REVIEWED)
    return today


def _approved(file: Path, stack: str) -> Report:
    report = read_report(file, "--reviewed")
    if report.stack != stack:
        message = f"{file.name} is about another stack than {stack}"
        raise typer.BadParameter(message, param_hint="--reviewed")
    if report.verdict not in _APPLICABLE:
        message = f"{file.name} is no plan that can be approved: {report.verdict}"
        raise typer.BadParameter(message, param_hint="--reviewed")
    return report


def _say(console: Console, line: str) -> None:
    console.print(visible(line), markup=False, highlight=False, soft_wrap=True)
