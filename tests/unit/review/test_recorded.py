"""Reports of recorded engine events of the local stack.

`python -m tests.engine.review_cases` records the events; `python -m
tests.unit.review.test_recorded` writes the golden comments, to be read before they are committed.
"""

import json
from pathlib import Path

import pytest

from review import report as reporting
from review.forges import Forge
from review.markdown import markdown
from review.report import Verdict
from tests.unit.review.review_support import NAMES, lines, reviewed

GOLDEN = Path(__file__).parent / "review_golden"
SCREEN = 25
"""Lines of a comment visible without scrolling."""

VERDICTS = {
    "created": Verdict.CHANGES,
    "unchanged": Verdict.CLEAN,
    "storage-class": Verdict.CHANGES,
    "qdrant-renamed": Verdict.CHANGES,
    "identities-removed": Verdict.CHANGES,
    "tight-model": Verdict.CHANGES,
    "larger-model": Verdict.CHANGES,
    "egress-opened": Verdict.CHANGES,
    "limit-dropped": Verdict.REFUSED,
    "team-added": Verdict.CHANGES,
    "concurrency": Verdict.CHANGES,
    "misspelt": Verdict.FAILED,
}

FIRST_SCREEN = {
    "storage-class": [
        "**`PersistentVolumeClaim chat-weights` is replaced**, **its data is lost**",
        "spec.storageClassName cannot change in place",
        "**`Deployment chat` is down for up to",
    ],
    "qdrant-renamed": [
        "**`StatefulSet qdrant` stops for good**",
        "**`StatefulSet qdrant` is deleted**, **its data is lost**",
    ],
    "identities-removed": [
        "**`Cluster keycloak-db` stops for good**",
        "Also affected: `keycloak`",
        "**`Cluster keycloak-db` is deleted**, **its data is lost**",
    ],
    "tight-model": ["| `notes` | `qwen3-4b` | 1 |", "%, tight**"],
    "larger-model": [
        "**`Deployment chat` is down for up to",
        "| `chat` | `qwen2.5-7b` |",
    ],
    "egress-opened": [
        "### New access",
        "`router of llm-production may reach 0.0.0.0/0 (the whole internet) on port 443`",
    ],
    "team-added": [
        "new team `research`: may ask every model: `chat`, `embeddings` and `reranker`;",
        "; 100\u00a0000 tokens per minute and 600 requests per minute;",
        "; one new API key (Secret `team-research-api-key`);",
    ],
    "concurrency": ["unchanged; only outputs change.**", "| `chat` | `qwen3-4b` | 1 |"],
    "limit-dropped": ["Refused by policy", "**`requests-and-limits`**", "limits.memory"],
    "misspelt": ["the preview failed", "Rename it to nodes."],
}


def _golden(name: str) -> str:
    """The comment without the waivers: those are of the policies of today, not of the recording."""
    return markdown(reviewed(name).model_copy(update={"waivers": []}), Forge.GITHUB)


def test_every_recording_is_tested() -> None:
    assert sorted(VERDICTS) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_the_verdict_is_what_the_change_comes_to(name: str) -> None:
    assert reviewed(name).verdict is VERDICTS[name]


@pytest.mark.parametrize("name", FIRST_SCREEN)
def test_the_first_screen_says_what_matters(name: str) -> None:
    screen = "\n".join(markdown(reviewed(name), Forge.GITHUB).splitlines()[:SCREEN])

    assert [text for text in FIRST_SCREEN[name] if text not in screen] == []


@pytest.mark.parametrize("name", NAMES)
def test_the_comment_is_the_golden_one(name: str) -> None:
    golden = (GOLDEN / f"{name}.md").read_text(encoding="utf-8")

    assert _golden(name) == golden


def test_a_secret_that_changes_restarts_its_readers_and_shows_as_a_hash() -> None:
    """A team more is a new key for the router; the names that Pulumi makes up for it are noise."""
    report = reviewed("team-added")
    [router] = [c for c in report.components if c.name == "router"]
    [deployment] = [r for r in router.resources if r.resource == "Deployment router"]

    assert deployment.noise
    assert report.outages == []


def test_the_amounts_before_are_those_after_where_nothing_changes() -> None:
    for amount in reviewed("unchanged").amounts:
        assert amount.before == amount.after
        assert amount.after


def test_the_recordings_hold_no_debug_diagnostic() -> None:
    """They quote what components put out, in clear."""
    assert not [name for name in NAMES if any('"severity":"debug"' in text for text in lines(name))]


def test_the_committed_schema_is_current() -> None:
    """`make docs` writes it."""
    assert json.loads(reporting.SCHEMA.read_text()) == reporting.schema()


if __name__ == "__main__":
    GOLDEN.mkdir(exist_ok=True)
    for each in NAMES:
        (GOLDEN / f"{each}.md").write_text(_golden(each), encoding="utf-8")
