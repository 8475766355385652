"""What was approved: a report or its digest, compared with a new preview."""

import re
from pathlib import Path

import typer
from rich.console import Console

from base.problems import Problem
from cli.errors import UsageError
from cli.exit_codes import ExitCode
from cli.preview import EXIT_CODES, preview_report
from cli.report_file import report_of
from review.digest import differences
from review.report import Report, Verdict
from review.wording import visible

_DIGEST = re.compile(r"[0-9a-f]{64}")
_APPLICABLE = (Verdict.CLEAN, Verdict.CHANGES)
_SHOWN = 40
"""Differences that are listed one by one."""


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
        raise typer.Exit(ExitCode.NOT_REVIEWED)
    return current


def _approved(file: Path, stack: str) -> Report:
    report = report_of(stack, file, "--reviewed")
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
