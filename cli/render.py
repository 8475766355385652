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
        typer.Option(help="`pai render --out` of the main branch, to compare with."),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(
            help="File for the report of the change (JSON). Default: shown here. Without --against:"
            " that of a first deployment."
        ),
    ] = None,
) -> None:
    """Run the program on mocks: no cluster, no credentials, no state.

    Meant for pull requests from untrusted contributors. With --against, the report shows how the
    change alters the resources and what the policies find. It cannot show what a provider would
    replace or a cluster would refuse.

    Exit codes: 0 rendered, or no changes, 1 the program failed, 2 usage error, 3 changes, 4 refused
    by a policy or the rules of upgrades, 5 the configuration is invalid.
    """
    from base.problems import ConfigError
    from cli.errors import print_problems
    from cli.exit_codes import ExitCode
    from cli.rendering import read_render, rendered, told
    from review import build
    from review.compare import compare
    from review.render import Render
    from toolchain.environment import PROJECT

    nothing = Render(stack=stack, resources=[], outputs={})
    base = read_render(against, stack) if against else nothing
    compared = against is not None or report is not None
    try:
        current = rendered(stack)
    except ConfigError as error:
        if not compared:
            print_problems(error)
            raise typer.Exit(ExitCode.INVALID) from None
        raise told(build.refused(stack, error.problems), report) from None
    if out:
        out.write_text(current.model_dump_json(by_alias=True), encoding="utf-8")
    if compared:
        raise told(compare(base, current, PROJECT), report)
    resources = f"{stack}: {len(current.resources)} resources"
    typer.echo(
        f"{resources}, written to {out}"
        if out
        else f"{resources}. --out keeps them, --against compares them, --report reviews them."
    )
