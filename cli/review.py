"""`pai review`: show the effects of a change before it is deployed."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import stack_option

if TYPE_CHECKING:
    from review.report import Report


class _Format(StrEnum):
    GITHUB = "github"
    GITLAB = "gitlab"
    FORGEJO = "forgejo"
    HTML = "html"
    TERMINAL = "terminal"
    JSON = "json"


def review(
    stack: Annotated[
        str | None, stack_option("Stack to review. Default: local, or that of --from.")
    ] = None,
    form: Annotated[
        _Format, typer.Option("--format", help="Output format; a forge's name: its comment.")
    ] = _Format.TERMINAL,
    out: Annotated[
        Path | None, typer.Option(help="File to write to. Default: standard output.")
    ] = None,
    kept: Annotated[
        Path | None,
        typer.Option("--from", help="Render this JSON report instead of previewing."),
    ] = None,
) -> None:
    """Preview a stack with its policies and summarize outages, losses, exposure and cost.

    Uses the state backend and cluster of the environment; without PULUMI_BACKEND_URL, the
    simulated cluster of the stack.

    Exit codes: 0 no changes, 1 the preview failed, 2 usage error, 3 changes, 4 refused by a policy
    or the rules of upgrades, 5 the configuration is invalid.
    """
    from rich.console import Console

    from cli.preview import EXIT_CODES, preview_report
    from cli.report_file import read_report, report_of
    from review import terminal

    if kept is None:
        report = preview_report(stack or "local")
    elif stack is None:
        report = read_report(kept, "--from")
    else:
        report = report_of(stack, kept, "--from", "leave --stack out")
    if form is _Format.TERMINAL and out is None:
        terminal.show(Console(), report)
    elif out is None:
        typer.echo(_rendered(report, form), nl=False)
    else:
        out.write_text(_rendered(report, form), encoding="utf-8")
    raise typer.Exit(EXIT_CODES[report.verdict])


def _rendered(report: "Report", form: _Format) -> str:
    from review import terminal
    from review.forges import Forge
    from review.html import page
    from review.markdown import markdown

    match form:
        case _Format.HTML:
            return page(report)
        case _Format.TERMINAL:
            return terminal.rendered(report)
        case _Format.JSON:
            return report.model_dump_json(indent=2) + "\n"
        case _:
            return markdown(report, Forge(form))
