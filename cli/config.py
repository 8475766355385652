"""`pai config`: check a stack's configuration, and generate its reference and schema."""

import json
from typing import Annotated

import typer

from base.problems import ConfigError
from cli.errors import Commands
from cli.stack_file import read_stack
from config.checks.advice import advice
from config.checks.idle import idle
from config.reference import page, schema
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
    except ConfigError as error:
        if not as_json:
            raise
        typer.echo(json.dumps([vars(problem) for problem in error.problems], indent=2))
        raise typer.Exit(1) from None
    for each in (*advice(config), *idle(config)):
        typer.echo(f"Advice: {each}", err=True)
    typer.echo("[]" if as_json else f"Pulumi.{stack}.yaml: no problem")


@app.command()
def reference() -> None:
    """Write the reference page and the JSON schema to docs/reference/."""
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(page(), encoding="utf-8")
    SCHEMA.write_text(json.dumps(schema(), indent=2) + "\n", encoding="utf-8")
    typer.echo(f"{PAGE.relative_to(PROJECT)}, {SCHEMA.relative_to(PROJECT)}")
