"""`pai config`: check a stack's YAML, and generate its reference and schema."""

import json
from typing import Annotated

import typer

from base.problems import ConfigError
from cli.stack_file import read_stack
from config.checks.advice import advice
from config.reference import page, schema
from toolchain.environment import PROJECT

app = typer.Typer(help="A stack's configuration: check it, generate its reference.")

PAGE = PROJECT / "docs" / "reference" / "configuration.md"
SCHEMA = PROJECT / "docs" / "reference" / "stack.schema.json"


@app.command()
def check(
    stack: Annotated[str, typer.Option(help="Name of the stack.")] = "local",
    as_json: Annotated[bool, typer.Option("--json", help="For scripts.")] = False,
) -> None:
    """Say everything that is wrong with Pulumi.STACK.yaml; exit 1 if anything is."""
    try:
        config = read_stack(stack)
    except ConfigError as error:
        if as_json:
            typer.echo(json.dumps([vars(problem) for problem in error.problems], indent=2))
        else:
            typer.echo(error, err=True)
        raise typer.Exit(1) from None
    for each in advice(config):
        typer.echo(f"Advice: {each}", err=True)
    typer.echo("[]" if as_json else f"Pulumi.{stack}.yaml: no problem")


@app.command()
def reference() -> None:
    """Write the reference page and the JSON schema into docs/reference/."""
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(page(), encoding="utf-8")
    SCHEMA.write_text(json.dumps(schema(), indent=2) + "\n", encoding="utf-8")
    typer.echo(f"{PAGE.relative_to(PROJECT)}, {SCHEMA.relative_to(PROJECT)}")
