"""`pai config`: check a stack's configuration, and generate its reference and schema."""

import json
from collections.abc import Iterator
from typing import Annotated

import typer

from base.problems import ConfigError, Problem
from cli.errors import Commands
from cli.stack_file import read_stack, stack_file
from config.checks.advice import advice
from config.checks.idle import idle
from config.reference import page, schema
from config.stack import StackConfig
from policies.levels import advised
from policies.stack import undeclared
from toolchain.environment import PROJECT

app = typer.Typer(cls=Commands, help="Check stack configurations and generate their reference.")

PAGE = PROJECT / "docs" / "reference" / "configuration.md"
SCHEMA = PROJECT / "docs" / "reference" / "stack.schema.json"


@app.command()
def check(
    stack: Annotated[str, typer.Option(help="Stack to check.")] = "local",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Report every problem in Pulumi.STACK.yaml; exit 1 if there is one."""
    try:
        config = read_stack(stack)
        _refuse_undeclared(config, stack)
    except ConfigError as error:
        if not as_json:
            raise
        typer.echo(json.dumps([vars(problem) for problem in error.problems], indent=2))
        raise typer.Exit(1) from None
    for each in (
        *advice(config),
        *idle(config),
        *(_undeclared(config, stack) if advised(stack) else ()),
    ):
        typer.echo(f"Advice: {each}", err=True)
    typer.echo("[]" if as_json else f"Pulumi.{stack}.yaml: no problem")


def _refuse_undeclared(config: StackConfig, stack: str) -> None:
    problems = [] if advised(stack) else list(_undeclared(config, stack))
    if problems:
        raise ConfigError(stack, problems)


def _undeclared(config: StackConfig, stack: str) -> Iterator[Problem]:
    """The storage classes in use whose disks nobody declares encrypted, as the policies see it."""
    used = {config.platform.storage_class, config.platform.shared_storage_class}
    paths = {
        entry.name: f"cluster.storage_classes.{index}"
        for index, entry in enumerate(config.cluster.storage_classes)
        if entry.name in used
    }
    return undeclared(stack, stack_file(stack).parent, paths)


@app.command()
def reference() -> None:
    """Write the reference page and the JSON schema to docs/reference/."""
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(page(), encoding="utf-8")
    SCHEMA.write_text(json.dumps(schema(), indent=2) + "\n", encoding="utf-8")
    typer.echo(f"{PAGE.relative_to(PROJECT)}, {SCHEMA.relative_to(PROJECT)}")
