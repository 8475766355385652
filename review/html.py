"""The whole report as one page that asks nothing of the network and runs no script."""

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from review import wording
from review.report import Report
from review.svg import drawing


def page(report: Report) -> str:
    """The page: every value is escaped, and what would not show in it is written out."""
    return _template().render(report=report, wording=wording, drawing=drawing(report.picture))


def _shown(value: object) -> object:
    """What jinja puts into the page; macros have done so already with what they return."""
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
