"""A preview, as a report, for the commands that show or apply it."""

import os
from collections.abc import Mapping

from rich.console import Console

from base.problems import ConfigError, Problem
from cli.backend import another_backend
from cli.exit_codes import ExitCode
from cli.stack_file import read_stack
from review import build, run
from review.events import EventsError
from review.report import Report, Verdict
from toolchain import build as toolchain_build
from toolchain.environment import PROJECT, applied
from toolchain.errors import ToolchainError

EXIT_CODES: Mapping[Verdict, ExitCode] = {
    Verdict.CLEAN: ExitCode.DONE,
    Verdict.FAILED: ExitCode.FAILED,
    Verdict.CHANGES: ExitCode.DIFFERS,
    Verdict.REFUSED: ExitCode.REFUSED,
    Verdict.DOES_NOT_FIT: ExitCode.INVALID,
}


def preview_report(stack: str) -> Report:
    """Preview *stack* and return the report. Raises ProblemError if there is none."""
    try:
        read_stack(stack)
    except ConfigError as error:
        return build.refused(stack, error.problems)
    console = Console(stderr=True)
    env, simulated = environment_for(stack, console)
    with console.status(f"Previewing {stack} …"):
        result = _preview(stack, env)
    return build.report(
        result.preview,
        stack=stack,
        project=PROJECT,
        simulated=simulated,
        before=result.before,
        after=result.after,
        stderr_tail=result.stderr_tail,
    )


def _preview(stack: str, env: Mapping[str, str]) -> run.PreviewRun:
    try:
        return run.preview(PROJECT, stack, env)
    except (EventsError, FileNotFoundError) as error:
        raise no_events_error(error) from None


def no_events_error(error: Exception) -> ToolchainError:
    """The error for an engine that wrote no events."""
    return ToolchainError(
        Problem(
            path="pulumi preview",
            got=str(error),
            allowed="engine events of Pulumi 3.256, one JSON object per line",
            change="run `pai toolchain doctor`; `pai env` puts the right pulumi first on PATH",
        )
    )


def environment_for(stack: str, console: Console) -> tuple[dict[str, str], bool]:
    """The environment variables to run Pulumi with, and whether the cluster is simulated."""
    if another_backend():
        return dict(os.environ), False
    # Imported here: a review of a real cluster needs nothing of the simulation.
    from cli.simulated import simulated

    return applied(simulated(toolchain_build.ensure("pulumi", console), [stack], console)), True
