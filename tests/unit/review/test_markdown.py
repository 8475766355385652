"""Comments: hostile text stays inert, and every forge's limit holds."""

import json
import random
import re
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from base.problems import Problem
from review.forges import Forge
from review.html import page
from review.markdown import LIMITS, fitted, markdown
from review.report import (
    Access,
    Opening,
    Outage,
    PolicyFinding,
    PreviewFailure,
    Report,
    Rights,
    Version,
    Waiver,
)
from review.terminal import rendered
from tests.examples import examples
from tests.unit.review.review_support import NAMES, altered, of_events, reviewed, step

HOSTILE = [
    "**bold** _it_ ~~no~~",
    "[link](https://evil.example) ![i](https://evil.example/x.png)",
    "<https://evil.example> https://evil.example www.evil.example",
    "@everyone @team/admins #1 !2 GH-3 :tada: $x^2$ %4 &5 ~label",
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "</code></summary></details><h1>taken over</h1>",
    "`` ` ``` ```` `",
    "```\n## heading\n/close\n```",
    "a\n\n# heading\n\n- item\n\n/approve",
    "| a | b |\n|---|---|\n| c | d |",
    "--> <!-- x",
    "\u202etxt.exe\u202c \u200bzero \x1b[31mred\x07",
    "&lt;b&gt; &#64;team &commat;team",
    "{{ 7*7 }} {% raw %} ${{ secrets.X }}",
    "\\`escaped\\` \\| pipe | pipe",
    "\ud800 lone surrogate",
    " ",
    "",
    "`",
]
MARK = "c4n4ry-9"
"""In every hostile text; outside of code it must not be found. (Plain words are let out of it.)"""

OURS = {
    *("h2", "h3", "p", "ul", "ol", "li", "strong", "em", "hr"),
    *("table", "thead", "tbody", "tr", "th", "td"),
    *("code", "pre", "details", "summary"),
}
"""The elements that a comment is made of; none of them links, loads or runs anything."""


class _Reader(HTMLParser):
    """What the HTML of a comment holds outside of code, and which elements it is made of."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: set[str] = set()
        self.attributes: set[str] = set()
        self.outside: list[str] = []
        self._code = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        self.attributes |= {f"{name}={value}" for name, value in attrs}
        self._code += tag == "code"

    def handle_endtag(self, tag: str) -> None:
        self._code -= tag == "code"

    def handle_data(self, data: str) -> None:
        if not self._code:
            self.outside.append(data)


def _rendered(comment: str) -> _Reader:
    """As GitHub-flavoured Markdown, raw HTML let through.

    Mentions, bare links, references and emoji are only ever resolved outside of code.
    """
    parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    reader = _Reader()
    reader.feed(parser.render(comment))
    reader.close()
    return reader


def _assert_inert(report: Report) -> None:
    for forge in Forge:
        comment = markdown(report, forge)
        read = _rendered(comment)
        assert read.elements <= OURS
        assert {
            a for a in read.attributes if not a.startswith(("class=language-", "style=text-al"))
        } == set()
        assert MARK not in "".join(read.outside)
        assert not re.search(r"[\u202a-\u202e\u200b\x1b]", comment)
        comment.encode()


def _hostile_everywhere(text: str) -> Report:
    """A report with *text* at every place that a diff, a program or a file may fill."""
    inputs: dict[str, Any] = {
        "metadata": {"name": text, "labels": {text: text}},
        "spec": {"a": text, "b": f"{text}\nline", "replicas": 1, "type": "LoadBalancer"},
    }
    events = [
        step("apps/v1:Deployment", text, old=inputs),
        step("core/v1:PersistentVolumeClaim", text, old=inputs),
        step("core/v1:Service", text, old={"spec": {}}, new=inputs),
        step("core/v1:ConfigMap", text, old={"data": {text: "a"}}, new={"data": {text: text}}),
    ]
    report = of_events(*events, stack=text)
    said: dict[str, Any] = {"resource": text, "component": text}
    [component] = report.components
    failure = PreviewFailure(message=f"a\n```\n{text}", resource=text, fix=text, others=1)
    return report.model_copy(
        update={
            "components": [component.model_copy(update={"name": text, "kind": text})],
            "failure": failure,
            "problems": [Problem(path=text, got=text, allowed=text, change=text)],
            "findings": [
                PolicyFinding(rule=text, level=level, message=text, **said)
                for level in ("mandatory", "advisory")
            ],
            "waivers": [
                Waiver(
                    rule=text, reason=text, owner=text, expires=text, findings=2, objects=[text] * 9
                )
            ],
            "versions": [Version(what="image", name=text, before=text, after=text, used_by=[text])],
            "openings": [
                Opening(
                    op=op,
                    what="egress",
                    reach=reach,
                    who=[text],
                    may=[text],
                    resources=[text],
                    components=[text],
                )
                for op in ("opened", "closed")
                for reach in ("internet", "namespace")
            ],
            "access": [
                Access(
                    who=who,
                    name=text,
                    op=op,
                    before=_rights(text, 1) if op in ("update", "delete") else None,
                    after=None if op == "delete" else _rights(text, 2),
                    key=text,
                    key_op="replace",
                    by_hand=True,
                )
                for who in ("team", "chat")
                for op in ("create", "update", "delete")
            ],
            "outages": [Outage(effect="stops", seconds=None, reason=text, also=[text], **said)],
        }
    )


def _rights(text: str, limit: int) -> Rights:
    return Rights(
        recorded=True,
        models=[text, str(limit)],
        every_model=False,
        tokens_per_minute=limit,
        requests_per_minute=limit,
        new_users=f"{text}{limit}",
    )


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_inert_wherever_it_stands(text: str) -> None:
    _assert_inert(_hostile_everywhere(f"{text}{MARK}{text}"))


@examples(60)
@given(st.text(alphabet=st.sampled_from("`~|\\<>[]()!*_#@:&-\n\r\t a1é\u202e"), max_size=60))
def test_no_text_breaks_out_of_code(text: str) -> None:
    _assert_inert(_hostile_everywhere(f"{text}{MARK}{text}"))


@pytest.mark.parametrize("text", HOSTILE)
def test_a_terminal_gets_no_control_character(text: str) -> None:
    shown = rendered(_hostile_everywhere(f"{text}{MARK}"))

    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\u202a-\u202e]", shown)
    assert MARK in shown


@pytest.mark.parametrize("text", HOSTILE)
def test_the_page_escapes_it(text: str) -> None:
    clean, hostile = _Reader(), _Reader()
    clean.feed(page(_hostile_everywhere("plain\ntext")))
    shown = page(_hostile_everywhere(f"{text}{MARK}"))
    hostile.feed(shown)

    assert hostile.elements <= {*clean.elements, "wbr"}
    assert "script" not in hostile.elements
    assert not re.search(r"[\u202a-\u202e\u200b\x1b]", shown)
    assert not [a for a in hostile.attributes if a.startswith(("on", "href", "src"))]


@pytest.mark.parametrize("name", NAMES)
def test_recorded_previews_make_nothing_but_text(name: str) -> None:
    _assert_inert(reviewed(name))


def _many(count: int) -> Report:
    """As many changed resources of a real recording, under names of their own."""
    [router] = [c for c in reviewed("limit-dropped").components if c.name == "router"]
    report = reviewed("limit-dropped")
    return report.model_copy(
        update={
            "components": [router.model_copy(update={"name": f"router-{n}"}) for n in range(count)],
            "outages": [
                outage.model_copy(update={"resource": f"Deployment d-{n}"})
                for n in range(count)
                for outage in reviewed("larger-model").outages[:1]
            ],
            "findings": report.findings * count,
        }
    )


@pytest.mark.parametrize("forge", Forge)
@pytest.mark.parametrize("count", [1, 30, 1000])
def test_every_size_of_change_fits_every_forge(forge: Forge, count: int) -> None:
    comment = markdown(_many(count), forge)

    assert len(comment) <= LIMITS[forge]
    assert "Service interruptions" in comment
    if count == 1000 and forge is not Forge.GITLAB:
        assert "Full report: artifact `review-local.html`" in comment


@examples(40)
@given(limit=st.integers(3_000, 70_000), name=st.sampled_from(NAMES))
def test_any_limit_holds_and_the_verdict_stays(limit: int, name: str) -> None:
    comment = fitted(reviewed(name), limit)

    assert len(comment) <= limit
    assert comment.startswith("<!-- pai review: local -->\n## ")


def test_waivers_and_advice_are_counted_before_any_difference_goes() -> None:
    """32 of the 59 kB of prod's first comment were waivers, and differences went first."""
    report = reviewed("larger-model")
    long = report.model_copy(
        update={
            "waivers": [
                Waiver(
                    rule="image-tag",
                    reason="because " * 30,
                    owner="platform",
                    expires=f"2027-01-{day:02}",
                    findings=day,
                    objects=["Deployment a"],
                )
                for day in range(1, 21)
            ],
        }
    )
    whole = fitted(long, 10**6)
    short = fitted(long, len(whole) - 100)

    assert short.count("```diff") == whole.count("```diff") > 0
    assert "because" not in short
    assert "20 waivers let 210 violations through; `image-tag` ends first, `2027-01-01`." in short
    assert "_Shortened to fit a comment: waivers. Full report" in short


def test_the_differences_go_before_what_stops() -> None:
    whole = fitted(reviewed("larger-model"), 10**6)
    short = fitted(reviewed("larger-model"), 3_000)

    assert "```diff" in whole
    assert "```diff" not in short
    assert "Service interruptions" in short


def test_what_fits_is_whole() -> None:
    assert "Shortened" not in markdown(reviewed("larger-model"), Forge.GITHUB)


@examples(40)
@given(st.integers(0, 2**32), st.sampled_from(["qdrant-renamed", "larger-model", "tight-model"]))
def test_whatever_is_secret_unknown_or_odd_a_report_is_made(seed: int, name: str) -> None:
    """Any part of any manifest may be a secret, unknown until the update, or of another shape."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    odd = ["[secret]", "04da6b54-80e4-46f7-96ec-b56ff0331ba9", None, 7, [], {}, ["x"], "25%", "x%"]

    def spoil(node: Any) -> Any:
        if chance.random() < 0.01:
            return chance.choice(odd)
        if isinstance(node, dict):
            return {key: spoil(value) for key, value in node.items()}
        if isinstance(node, list):
            return [spoil(value) for value in node]
        return node

    def spoil_step(metadata: dict[str, Any]) -> None:
        for side in ("old", "new"):
            if metadata.get(side):
                inputs = metadata[side]["inputs"]
                metadata[side]["inputs"] = {key: spoil(value) for key, value in inputs.items()}

    report = altered(name, spoil_step)

    assert markdown(report, Forge.GITHUB)
    assert page(report)
    assert Report.model_validate_json(report.model_dump_json()) == report
    assert json.loads(report.model_dump_json())["digest"] == report.digest
