"""`pai config`: check a stack's configuration, and generate its reference and schema."""

import json
from pathlib import Path
from typing import Annotated

import typer

from base.problems import ConfigError
from cli.errors import Commands
from cli.exit_codes import ExitCode
from cli.options import AsJson, stack_option

app = typer.Typer(cls=Commands, help="Check stack configurations and generate their reference.")

PROJECT = Path(__file__).resolve().parents[1]
PAGE = PROJECT / "docs" / "reference" / "configuration.md"
SCHEMA = PROJECT / "docs" / "reference" / "stack.schema.json"


@app.command()
def check(
    stack: Annotated[str, stack_option("Stack to check.")] = "local",
    as_json: AsJson = False,
) -> None:
    """Report every problem in Pulumi.STACK.yaml.

    Exit codes: 0 no problem, 1 problems, 2 usage error.
    """
    from cli import declared
    from cli.stack_file import read_stack
    from config.checks.advice import advice
    from config.checks.idle import idle
    from policies.levels import advised

    try:
        config = read_stack(stack)
        declared.refuse_undeclared(config, stack)
    except ConfigError as error:
        if not as_json:
            raise
        typer.echo(json.dumps([vars(problem) for problem in error.problems], indent=2))
        raise typer.Exit(ExitCode.FAILED) from None
    declarations = declared.undeclared(config, stack) if advised(stack) else ()
    for each in (*advice(config), *idle(config), *declarations):
        typer.echo(f"Advice: {each}", err=True)
    typer.echo("[]" if as_json else f"Pulumi.{stack}.yaml: no problem")


@app.command()
def reference() -> None:
    """Write the reference page and the JSON schema to docs/reference/."""
    from config.reference import page, schema

    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(page(), encoding="utf-8")
    SCHEMA.write_text(json.dumps(schema(), indent=2) + "\n", encoding="utf-8")
    typer.echo(f"{PAGE.relative_to(PROJECT)}, {SCHEMA.relative_to(PROJECT)}")
