"""The full report as one HTML page without scripts or network access."""

import re
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup, escape

from review import rights, wording
from review.figures import figures
from review.report import Report
from review.svg import drawing

_BREAKS = re.compile(r"[/@:]|(?<=[a-z\]])\.(?=[a-z])")
"""After these a long name may go on in the next line."""


def page(report: Report) -> str:
    """The page; all values are escaped, and invisible characters are written out."""
    return _template().render(
        report=report,
        wording=wording,
        rights=rights,
        figures=figures(report, _code),
        drawing=drawing(report.picture),
        code=_code,
        breakable=_breakable,
    )


def _code(text: str) -> Markup:
    """*text* as code that breaks between the parts of a name, not inside words."""
    return Markup("<code>{}</code>").format(_breakable(text))


def _breakable(text: str) -> Markup:
    """*text* that breaks between the parts of names and paths."""
    return Markup(_BREAKS.sub(r"\g<0><wbr>", str(escape(wording.visible(text)))))  # noqa: S704 - escaped


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
