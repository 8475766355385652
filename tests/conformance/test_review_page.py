"""A real Chromium reads the page: one whose every name is an attack, and others at three widths."""

import html
import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from review.html import page
from tests.conformance.peers import debian
from tests.unit.review.review_support import of_events, reviewed, step

ATTACK = (
    "</code></title></style></script><script>document.title='taken'</script>"
    "<img src=x onerror=\"document.title='taken'\"><h1 id=taken>x</h1>{{7*7}}"
)


@pytest.fixture(scope="module")
def chromium() -> str:
    """The program, of Debian's package."""
    return debian.command("chromium", "chromium", "chromium")


def test_a_browser_shows_hostile_names_as_text(chromium: str, tmp_path: Path) -> None:
    inputs = {"spec": {ATTACK: ATTACK}}
    report = of_events(step("core/v1:Secret", ATTACK, old=inputs, new={}), stack=ATTACK)
    file = tmp_path / "review.html"
    file.write_text(page(report), encoding="utf-8")

    read = subprocess.run(
        [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom", file.as_uri()],
        env={**os.environ, "HOME": str(tmp_path)},  # where it keeps a profile
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert "<script" not in read
    assert "<img" not in read
    assert 'id="taken"' not in read
    assert "&lt;script&gt;document.title" in read
    assert "{{7*7}}" in read
    assert "<title>taken" not in read


WIDTHS = (400, 800, 1280)
"""A telephone, a tablet, a laptop; CSS pixels."""
MEASURE = """
const found = [];
for (const frame of document.querySelectorAll("iframe")) {
  const page = frame.contentDocument;
  page.querySelectorAll("details").forEach(details => details.open = true);
  const broken = [];
  const walk = page.createTreeWalker(page.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const text = walk.currentNode;
    if (!text.parentElement.closest("td code")) continue;
    let top = null;
    for (let i = 0; i < text.length; i++) {
      const range = page.createRange();
      range.setStart(text, i); range.setEnd(text, i + 1);
      const at = range.getBoundingClientRect().top;
      if (top !== null && at > top + 4 && !/[-\\s]/.test(text.data[i - 1])) broken.push(text.data);
      top = at;
    }
  }
  const root = page.documentElement;
  found.push([frame.clientWidth, root.scrollWidth - root.clientWidth, broken]);
}
document.title = JSON.stringify(found);
"""
"""Of each frame: its width, by how much its page is wider, and names broken inside a word."""


@pytest.mark.parametrize("name", ["created", "larger-model", "identities-removed", "misspelt"])
def test_the_page_fits_every_screen_and_names_stay_whole(
    chromium: str, tmp_path: Path, name: str
) -> None:
    shown = html.escape(page(reviewed(name)))
    frames = [f'<iframe style="width:{w}px;border:0" srcdoc="{shown}"></iframe>' for w in WIDTHS]
    script = f"<script>onload = () => {{ {MEASURE} }}</script>"
    file = tmp_path / "frames.html"
    file.write_text(f"<!doctype html><meta charset=utf-8>{script}{''.join(frames)}", "utf-8")

    read = subprocess.run(
        [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom", file.as_uri()],
        env={**os.environ, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    title = re.search(r"<title>(.*?)</title>", read)
    assert title
    measured = json.loads(html.unescape(title[1]))
    assert [width for width, _, _ in measured] == list(WIDTHS)
    assert [more for more in measured if more[1:] != [0, []]] == []
