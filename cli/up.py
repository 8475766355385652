"""`pai up`: deploy a stack to its simulated cluster."""

from typing import Annotated

import typer

from cli.options import ConfigFile, stack_option


def up(
    stack: Annotated[str, stack_option("Stack to deploy.")] = "local",
    config_file: ConfigFile = None,
    approved: Annotated[
        str | None,
        typer.Option(
            "--reviewed",
            metavar="REPORT|DIGEST",
            help="Deploy only if a new preview plans exactly what this report or digest names.",
        ),
    ] = None,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Print problems and the addresses alone.")
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Print all that Pulumi prints.")
    ] = False,
) -> None:
    """Deploy a stack to its simulated cluster and show the result.

    Builds the toolchain on first use and starts the cluster. In a terminal Pulumi shows its
    progress; elsewhere, as in a log of CI, there is a line for each part of the stack that is done.

    Exit codes: 0 deployed, 1 the deployment failed or a policy refuses it, 2 usage error, 4 a
    policy refuses it (with --reviewed), 5 the configuration is invalid, 6 the preview is not what
    was reviewed, 130 interrupted.
    """
    from cli.up_run import deploy_simulated, refuse_both

    refuse_both("--quiet", quiet, "--verbose", verbose)
    refuse_both("--config-file", config_file, "--reviewed", approved)
    deploy_simulated(stack, config_file, approved, quiet=quiet, verbose=verbose)
