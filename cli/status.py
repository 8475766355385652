"""`pai status`: what runs where, and what to do next; also what `pai` alone prints."""

from typing import Annotated

import typer

from cli.options import AsJson, stack_option


def status(
    stack: Annotated[
        str | None, stack_option("Stack to show. Default: all, in detail those that run.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show which stacks run, on what, which of their parts are ready, and what to do next.

    Reads the simulated clusters, or in a shell that is set up for another state (`pai env
    --kubeconfig`) the real cluster of the stack. Changes and builds nothing.

    Exit codes: 0 shown, whatever the state is, 1 the cluster or the state cannot be read, 2 usage
    error.
    """
    from cli.status_run import as_document, show, statuses

    found = statuses(stack)
    if as_json:
        typer.echo(as_document(found))
    else:
        show(found)
