"""The full report as one HTML page without scripts or network access."""

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from review import wording
from review.report import Report
from review.svg import drawing


def page(report: Report) -> str:
    """The page; all values are escaped, and invisible characters are written out."""
    return _template().render(report=report, wording=wording, drawing=drawing(report.picture))


def _shown(value: object) -> object:
    """*value* with invisible characters written out; macro results are already done."""
    if isinstance(value, Markup) or not isinstance(value, str):
        return value
    return wording.visible(value)


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html.jinja")
