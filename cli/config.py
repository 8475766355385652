"""`pai config`: check a stack's YAML, and generate its reference and schema."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from config.load import load
from config.problems import ConfigError
from config.reference import KEY, page, schema

app = typer.Typer(help="A stack's configuration: check it, generate its reference.")

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "reference" / "configuration.md"
SCHEMA = ROOT / "docs" / "reference" / "stack.schema.json"


@app.command()
def check(
    stack: Annotated[str, typer.Option(help="Name of the stack.")] = "local",
    as_json: Annotated[bool, typer.Option("--json", help="For scripts.")] = False,
) -> None:
    """Say everything that is wrong with Pulumi.STACK.yaml; exit 1 if anything is."""
    file = ROOT / f"Pulumi.{stack}.yaml"
    if not file.exists():
        message = f"{file.name} does not exist"
        raise typer.BadParameter(message, param_hint="--stack")
    raw: Any = yaml.safe_load(file.read_text(encoding="utf-8"))
    try:
        load(raw.get("config", {}).get(KEY), stack)
    except ConfigError as error:
        if as_json:
            typer.echo(json.dumps([vars(problem) for problem in error.problems], indent=2))
        else:
            typer.echo(error, err=True)
        raise typer.Exit(1) from None
    typer.echo("[]" if as_json else f"{file.name}: no problem")


@app.command()
def reference() -> None:
    """Write the reference page and the JSON schema into docs/reference/."""
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(page(), encoding="utf-8")
    SCHEMA.write_text(json.dumps(schema(), indent=2) + "\n", encoding="utf-8")
    typer.echo(f"{PAGE.relative_to(ROOT)}, {SCHEMA.relative_to(ROOT)}")
