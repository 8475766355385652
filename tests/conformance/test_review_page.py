"""A real Chromium reads the page of a report whose every name is an attack."""

import os
import subprocess
from pathlib import Path

import pytest

from review.html import page
from tests.conformance.peers import debian
from tests.unit.review.review_support import of_events, step

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
