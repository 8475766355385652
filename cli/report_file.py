"""A report in a file, which may be anything."""

from pathlib import Path

import typer
from pydantic import ValidationError

from review.report import Report

_LARGEST = 50_000_000
"""Bytes; that of 1,000 changed resources has about 2 MB."""


def read_report(file: Path, option: str) -> Report:
    """The report in *file*; ends the command in the name of *option* where there is none."""
    try:
        if file.stat().st_size > _LARGEST:
            message = f"{file.name} is too large for a report"
            raise typer.BadParameter(message, param_hint=option)
        return Report.model_validate_json(file.read_bytes())
    except OSError as error:
        raise typer.BadParameter(str(error), param_hint=option) from None
    except ValidationError as error:
        wrong = ".".join(map(str, error.errors()[0]["loc"])) or "all of it"
        message = f"{file.name} is no report of `pai review --format json`; wrong: {wrong!r}"
        raise typer.BadParameter(message, param_hint=option) from None
