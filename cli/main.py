"""`pai`: the command line of the stack. A command is imported when it is called."""

from typing import Annotated

import typer

from cli.commands import Command, CommandGroup

_LOOK, _PLAN, _CHANGE = "Look", "Plan", "Change"
_MODELS, _PULLS, _SET_UP = "Models and images", "Policies and pull requests", "Set up"

COMMANDS = (
    Command("status", "cli.status:status", _LOOK, "Show what runs where, and what to do next."),
    Command("open", "cli.open:open_page", _LOOK, "Print the address of a page, and open it."),
    Command("secret", "cli.secret:secret", _LOOK, "Say where a password or key is."),
    Command("logs", "cli.logs:logs", _LOOK, "Print the logs of a part of the stack."),
    Command("drift", "cli.drift:command", _LOOK, "Compare every deployed object with the cluster."),
    Command("explain", "cli.explain:explain", _LOOK, "Explain a policy rule or a settings key."),
    Command("size", "cli.size:size", _PLAN, "Show the GPU memory and the speed of a model."),
    Command("plan", "cli.plan:command", _PLAN, "Show which GPU each model is assigned to."),
    Command("config", "cli.config:app", _PLAN, "Check the configuration of a stack."),
    Command("preflight", "cli.preflight:preflight", _PLAN, "Say what of a cluster would not do."),
    Command("up", "cli.up:up", _CHANGE, "Deploy a stack to its simulated cluster."),
    Command("review", "cli.review:review", _CHANGE, "Preview a stack, and summarize the effects."),
    Command("apply", "cli.apply:apply", _CHANGE, "Deploy what was reviewed, and nothing else."),
    Command("down", "cli.down:down", _CHANGE, "Stop the simulated cluster of a stack."),
    Command("models", "cli.models:app", _MODELS, "List models; fetch and import their weights."),
    Command("images", "cli.images:app", _MODELS, "List container images, and lock their digests."),
    Command("lint", "cli.lint:lint", _PULLS, "Check Kubernetes manifests against the policies."),
    Command("render", "cli.render:command", _PULLS, "Run the program on mocks, and compare."),
    Command("comment", "cli.comment:comment", _PULLS, "Post a report on its pull request."),
    Command("permissions", "cli.permissions:permissions", _PULLS, "Print the RBAC of previews."),
    Command("sbom", "cli.sbom:sbom", _PULLS, "Print the bill of materials of a stack."),
    Command("env", "cli.env:env", _SET_UP, "Print the environment in which `pulumi` works."),
    Command("sim", "cli.sim:app", _SET_UP, "Start, stop and inspect simulated clusters."),
    Command("toolchain", "cli.toolchain:app", _SET_UP, "Build and check Pulumi and the rest."),
)


class Pai(CommandGroup):
    """The commands of `pai`."""

    table = COMMANDS


app = typer.Typer(
    name="pai",
    cls=Pai,
    pretty_exceptions_show_locals=False,  # locals may hold secrets
)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"pai {version('private-ai')}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def main(
    context: typer.Context,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Size, simulate, review and deploy a private AI stack on Kubernetes.

    Without a command: what runs, and what to do next.
    """
    del version
    if context.invoked_subcommand is None:
        from cli.status import status

        status()


if __name__ == "__main__":
    app()
