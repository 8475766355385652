"""Changes that a reviewer must not miss, each made to a checkout of the local stack.

`python -m tests.engine.review_cases [CASE…]` records what the engine says of each, or of those
named, for the unit tests.
"""

import copy
import gzip
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Collection, Generator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any

import yaml

from config.checks.stack import capacity
from config.load import load
from config.reference import KEY
from review import run
from review.build import report
from review.report import Report
from tests.engine.checkout import Checkout, checkout
from tests.paths import ROOT

RECORDINGS = ROOT / "tests" / "unit" / "review" / "review_events"

Case = Callable[[Checkout], AbstractContextManager[None]]
Review = Callable[[str], Report]
"""The review of a case, by its name."""
_ENFORCED = ("policies/levels.py", 'frozenset({"local"})', "frozenset()")
"""Makes the policies enforce on the local stack as they do on every other."""

_TO_REDIS = "        self.tier.firewall.connect(self.pods, args.redis.server, args.redis.port)\n"
_TO_THE_WORLD = '        self.tier.firewall.reach_cidrs(self.pods, ["0.0.0.0/0"], 443)\n'


def _edits(*edits: tuple[str, str, str]) -> Case:
    """A case of replaced text: file, what is there, what comes instead."""

    @contextmanager
    def case(at: Checkout) -> Generator[None]:
        with ExitStack() as stack:
            for file, old, new in edits:
                change = _Replaced(old, new)
                stack.enter_context(at.edited(file, change))
            yield

    return case


class _Replaced:
    """One replacement, which has to hit."""

    def __init__(self, old: str, new: str) -> None:
        self.old, self.new = old, new

    def __call__(self, text: str) -> str:
        assert self.old in text, f"nowhere: {self.old}"
        return text.replace(self.old, self.new)


def _settings(change: Callable[[Any], None]) -> Case:
    return lambda at: at.configured(change)


def _storage_class(settings: Any) -> None:
    settings["platform"]["shared_storage_class"] = "standard"


def _larger_model(settings: Any) -> None:
    settings["models"]["chat"] |= {"model": "qwen2.5-7b", "context_tokens": 8192}


def _tight_model(settings: Any) -> None:
    """Add a model whose context is as long as leaves 2 to 4 % of its GPU free."""
    for tokens in range(16384, 40960, 256):
        tried = copy.deepcopy(settings)
        tried["models"]["notes"] = {
            "model": "qwen3-4b",
            "pool": "rtx",
            "context_tokens": tokens,
            "concurrency": 8,
        }
        found = capacity(load(tried, "local")).services
        [fit] = [service.fit for service in found if service.name == "notes"]
        if 0.02 < fit.headroom_bytes / fit.gpu_bytes < 0.04:
            settings["models"]["notes"] = tried["models"]["notes"]
            return
    message = "no context leaves 3 %"
    raise AssertionError(message)


def _team(settings: Any) -> None:
    settings["teams"]["research"] = {}


def _concurrency(settings: Any) -> None:
    """It is sized for and promised, and no argument of vLLM: no resource changes."""
    settings["models"]["chat"]["concurrency"] = 6


def _misspelt(settings: Any) -> None:
    settings["qdrant"] = {"nodez": 3}


CASES: Mapping[str, Case] = {
    "storage-class": _settings(_storage_class),
    "qdrant-renamed": _edits(
        ("components/data/deploy.py", '"qdrant", QdrantArgs(', '"vectors", QdrantArgs(')
    ),
    "identities-removed": _edits(
        ("components/data/deploy.py", "identities, chats = (", "[chats] = ("),
        (
            "components/data/deploy.py",
            '            ("keycloak", "keycloak", stack.databases.keycloak),\n',
            "",
        ),
        ("components/data/deploy.py", "identities=identities.access", "identities=chats.access"),
        ("components/data/deploy.py", "qdrant, identities, chats)", "qdrant, chats)"),
    ),
    "tight-model": _settings(_tight_model),
    "larger-model": _settings(_larger_model),
    "egress-opened": _edits(
        ("components/models/llm_router.py", _TO_REDIS, _TO_REDIS + _TO_THE_WORLD)
    ),
    "limit-dropped": _edits(
        _ENFORCED,
        (
            "components/common/pod.py",
            '"limits": {**manifest["limits"], **extended}',
            '"limits": {"cpu": "16", "ephemeral-storage": "300Gi", **extended}',
        ),
    ),
    "team-added": _settings(_team),
    "concurrency": _settings(_concurrency),
    "misspelt": _settings(_misspelt),
}


def reviewed(at: Checkout) -> Report:
    """The report of a preview of *at*, as `pai review` makes it."""
    ran = run.preview(at.root, at.stack, at.shell)
    return report(
        ran.preview,
        stack=at.stack,
        project=at.root,
        before=ran.before,
        after=ran.after,
        stderr_tail=ran.stderr_tail,
    )


def events(at: Checkout) -> str:
    """What the engine says of a preview of *at*, an event a line."""
    return subprocess.run(
        ["pulumi", "preview", "--json", "--stack", at.stack, "--non-interactive"],
        cwd=at.root,
        env={**at.shell, "PULUMI_ENABLE_STREAMING_JSON_PREVIEW": "true"},
        capture_output=True,
        text=True,
        check=False,
    ).stdout


def _compact(line: str, folder: str) -> str | None:
    """*line* without what no review reads, and without where it was recorded; None for nothing."""
    event = json.loads(line)
    if not event.keys() & {
        "resourcePreEvent",
        "resOutputsEvent",
        "diagnosticEvent",
        "policyEvent",
        "summaryEvent",
    }:
        return None
    if event.get("diagnosticEvent", {}).get("severity") in ("debug", "info"):
        return None
    metadata = event.get("resOutputsEvent", event.get("resourcePreEvent", {})).get("metadata", {})
    if "resOutputsEvent" in event and metadata["type"] != "pulumi:pulumi:Stack":
        return None
    for side in ("old", "new"):
        state = metadata.get(side)
        if state and metadata["type"] != "pulumi:pulumi:Stack":
            state["outputs"] = {}
    return json.dumps(event, separators=(",", ":")).replace(folder, "/checkout")


def record(names: Collection[str]) -> None:
    """Write the recordings of *names*: cases, `created` on an empty state, `unchanged`."""
    RECORDINGS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, checkout("local", Path(folder)) as at:

        def write(name: str) -> None:
            if name not in names:
                return
            lines = (_compact(line, folder) for line in events(at).splitlines())
            text = "\n".join(line for line in lines if line) + "\n"
            with gzip.GzipFile(RECORDINGS / f"{name}.jsonl.gz", "wb", mtime=0) as file:
                file.write(text.encode())
            sys.stderr.write(f"{name}\n")

        write("created")
        done = at.pulumi("up", "--yes", "--skip-preview")
        assert done.code == 0, done.output
        write("unchanged")
        for name in CASES.keys() & names:
            with CASES[name](at):
                write(name)


def local_settings() -> dict[str, Any]:
    """The settings of the local stack."""
    file = ROOT / "Pulumi.local.yaml"
    return yaml.safe_load(file.read_text())["config"][KEY]


if __name__ == "__main__":
    record(sys.argv[1:] or ["created", "unchanged", *CASES])
