"""`pai logs`: what the containers of a part of the stack print."""

from typing import Annotated

import typer

from cli import complete
from cli.options import stack_option


def logs(
    part: Annotated[
        str,
        typer.Argument(
            metavar="PART",
            help="Name of the part, as in `pai status --json`: chat, router, kong …",
            autocompletion=complete.parts,
        ),
    ],
    stack: Annotated[str, stack_option("Stack of the part.")] = "local",
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on until Ctrl-C, or until the pods end.")
    ] = False,
    lines: Annotated[
        int, typer.Option("--lines", "-n", min=1, max=100_000, help="Last lines of each container.")
    ] = 100,
) -> None:
    """Print the logs of every container of a part, each line after its pod and container.

    On a simulated cluster no container runs, so that there are no logs.

    Exit codes: 0 printed, 1 no logs, or the cluster cannot be read, 2 no such part, 130
    interrupted.
    """
    from cli.logs_run import print_logs

    print_logs(part, stack, follow=follow, lines=lines)
