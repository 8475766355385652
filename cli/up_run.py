"""What `pai up` does: the toolchain, the cluster, the deployment, the result."""

import sys
from pathlib import Path

import typer
from rich.console import Console

from base.problems import ConfigError, Problem
from cli.approval import check_approved
from cli.backend import refuse_another_backend
from cli.deployment import Detail, deploy
from cli.errors import UsageError, print_problems
from cli.exit_codes import ExitCode
from cli.simulated import simulated
from cli.stack_file import read_stack
from cli.summary import show, urls
from sim.stacks import cluster_of
from toolchain import build, state
from toolchain.environment import applied


def refuse_both(one: str, given: object, other: str, also: object) -> None:
    """Raise UsageError if the options *one* and *other* are both given."""
    if given and also:
        got = f"{one} and {other}"
        raise UsageError(Problem(one, got, "only one of the two", "remove one of them"))


def deploy_simulated(
    stack: str, config_file: Path | None, approved: str | None, *, quiet: bool, verbose: bool
) -> None:
    """Deploy *stack* to its simulated cluster, and print where it is to be found."""
    console = Console(stderr=True)
    refuse_another_backend(stack)
    try:
        read_stack(stack, config_file)
    except ConfigError as error:
        print_problems(error)
        raise typer.Exit(ExitCode.INVALID) from None
    if approved:
        check_approved(stack, approved)
    toolchain = build.ensure("pulumi", console)
    env = simulated(toolchain, [stack], console, config_file)
    context = cluster_of(stack, config_file).context
    if not quiet:
        console.print(
            f"Stack {stack}, onto its simulated cluster: context {context} of {env['KUBECONFIG']},"
            f" state in {env['PULUMI_BACKEND_URL']}",
            highlight=False,
            soft_wrap=True,
        )
    deploy(
        stack,
        # With its preview: what a policy refuses is then said before anything is created.
        ["--config-file", str(config_file)] if config_file else [],
        applied(env),
        detail=Detail.QUIET if quiet else Detail.RAW if verbose else Detail.USUAL,
        again=f"`pai up --stack {stack}` goes on from here",
    )
    deployment = state.deployment(stack) or {}
    outputs = state.outputs(deployment.get("resources", []))
    if quiet or not sys.stdout.isatty():
        Console().print(urls(outputs))
    else:
        show(Console(), deployment, outputs)
    if not quiet:
        typer.echo(f"\nNext: `pai status --stack {stack}`")
