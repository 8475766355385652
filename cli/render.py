"""`pai render`: run the program without credentials and compare its resources."""

from pathlib import Path
from typing import Annotated

import typer

from cli.options import stack_option


def command(
    stack: Annotated[str, stack_option("Stack to render.")],
    out: Annotated[
        Path | None, typer.Option(help="File for the rendered resources (JSON).")
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option(help="`pai render --out` of the main branch; requires --report."),
    ] = None,
    report: Annotated[
        Path | None, typer.Option(help="File for the report of the change (JSON).")
    ] = None,
) -> None:
    """Run the program on mocks: no cluster, no credentials, no state.

    Meant for pull requests from untrusted contributors. With --against, the report shows how the
    change alters the resources and what the policies find. It cannot show what a provider would
    replace or a cluster would refuse.

    Exit codes: 0 rendered, or no changes, 1 the program failed, 2 usage error, 3 changes, 4 refused
    by a policy, 5 the configuration is invalid.
    """
    from base.problems import ConfigError, Problem
    from cli.errors import UsageError, print_problems
    from cli.exit_codes import ExitCode
    from cli.rendering import read_render, rendered, written
    from review import build
    from review.compare import compare

    if (against is None) != (report is None):
        missing, given = ("--against", "--report") if report else ("--report", "--against")
        raise UsageError(
            Problem(missing, f"nothing, with {given}", "both or neither", f"add {missing}")
        )
    base = read_render(against) if against else None
    try:
        current = rendered(stack)
    except ConfigError as error:
        if report is None:
            print_problems(error)
            raise typer.Exit(ExitCode.INVALID) from None
        raise written(build.refused(stack, error.problems), report) from None
    if out:
        out.write_text(current.model_dump_json(by_alias=True), encoding="utf-8")
    if base and report:
        raise written(compare(base, current), report)
