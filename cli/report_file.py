"""Reading a review report from a file, which may hold anything."""

from pathlib import Path
from typing import NoReturn

from pydantic import ValidationError

from base.problems import Problem
from cli.errors import UsageError
from review.report import Report

_MAX_BYTES = 50_000_000
"""A report of 1,000 changed resources has about 2 MB."""


def read_report(file: Path, option: str) -> Report:
    """The report in *file*. Raises UsageError, which names *option*, if it is not one."""
    try:
        if file.stat().st_size > _MAX_BYTES:
            _refuse(option, f"{file.name}, larger than {_MAX_BYTES / 1e6:.0f} MB")
        return Report.model_validate_json(file.read_bytes())
    except OSError as error:
        _refuse(option, f"{file}: {error.strerror}")
    except ValidationError as error:
        field = ".".join(map(str, error.errors()[0]["loc"])) or "the whole file"
        _refuse(option, f"{file.name}, with a schema error at {field}")


def report_of(stack: str, file: Path, option: str, otherwise: str = "another --stack") -> Report:
    """The report in *file*, about *stack*. Raises UsageError; *otherwise* is the other way out."""
    report = read_report(file, option)
    if report.stack != stack:
        raise UsageError(
            Problem(
                path=option,
                got=f"{file.name}, a report of stack {report.stack}",
                allowed=f"a report of stack {stack}",
                change=f"pass the report of this stack, or {otherwise}",
            )
        )
    return report


def _refuse(option: str, got: str) -> NoReturn:
    raise UsageError(
        Problem(
            path=option,
            got=got,
            allowed="a report written by `pai review --format json`",
            change="write one with this version of `pai`",
        )
    )
