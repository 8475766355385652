"""Debian's Prometheus, and the tools that say what it and Alertmanager would refuse."""

import re
import ssl
import subprocess
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml

from sim.ports import LOOPBACK, free_port
from tests.conformance.peers import debian
from tests.conformance.peers.certificates import Certificates
from tests.conformance.peers.errors import RefusedError
from tests.conformance.peers.process import ANSWER_SECONDS, Running, running
from tests.conformance.peers.relocate import relocated

_RULE_GROUPS = "rules.yml"


def install() -> debian.Unpacked:
    """Have both on this machine."""
    return debian.unpacked("prometheus", ["prometheus", "prometheus-alertmanager"])


def check_rules(folder: Path, rules: Mapping[str, Any]) -> str:
    """What promtool says of *rules* (`{"groups": […]}`); RefusedError if it refuses them."""
    return _check("promtool", ["check", "rules"], folder, _RULE_GROUPS, rules)


def test_rules(folder: Path, rules: Mapping[str, Any], tests: Mapping[str, Any]) -> str:
    """Run promtool's unit *tests* (`{"tests": […]}`) against *rules*; RefusedError if one fails."""
    _write(folder, _RULE_GROUPS, rules)
    complete = {"rule_files": [_RULE_GROUPS], **tests}
    return _check("promtool", ["test", "rules"], folder, "tests.yml", complete)


def check_config(folder: Path, config: Mapping[str, Any]) -> str:
    """What promtool says of a prometheus.yml.

    Rule, certificate, key and credentials files that it names must exist; promtool does not look
    for an authority's (`ca_file`).
    """
    return _check("promtool", ["check", "config"], folder, "prometheus.yml", config)


def check_web_config(folder: Path, config: Mapping[str, Any]) -> str:
    """What promtool says of a web configuration, as Prometheus, Alertmanager and DCGM take it."""
    return _check("promtool", ["check", "web-config"], folder, "web.yml", config)


def check_alertmanager(folder: Path, config: Mapping[str, Any]) -> str:
    """What amtool says of an alertmanager.yml."""
    return _check("amtool", ["check-config"], folder, "alertmanager.yml", config)


@dataclass(frozen=True)
class Server:
    """A running Prometheus."""

    url: str
    trust: ssl.SSLContext
    running: Running

    def get(self, path: str, **parameters: str) -> httpx.Response:
        """GET *path*."""
        return httpx.get(
            f"{self.url}{path}", params=parameters, verify=self.trust, timeout=ANSWER_SECONDS
        )


@contextmanager
def start(
    folder: Path, arguments: Sequence[str], files: Mapping[str, str], certificates: Certificates
) -> Generator[Server]:
    """Start Prometheus with its container's *arguments* on *files*; gone with the block.

    The folders of its configuration and data are moved, and the address that it listens on.
    """
    configuration = folder / "configuration"
    configuration.mkdir(parents=True)
    for name, content in files.items():
        (configuration / name).write_text(content)
    port = free_port()
    url = f"https://localhost:{port}"
    moves = {
        "/etc/prometheus": str(configuration),
        "--storage.tsdb.path=/prometheus": f"--storage.tsdb.path={folder / 'data'}",
        "--web.listen-address=:9090": f"--web.listen-address={LOOPBACK}:{port}",
    }

    def ready() -> bool:
        with suppress(httpx.HTTPError):
            return httpx.get(f"{url}/-/ready", verify=certificates.trust).is_success
        return False

    with running(
        [install().binary("prometheus"), *relocated([*arguments], moves)],
        folder=folder,
        ready=ready,
        seconds=60,
    ) as process:
        yield Server(url, certificates.trust, process)


def alertmanager_flags() -> frozenset[str]:
    """The flags that Alertmanager has. Debian's does not start where it is not truly installed."""
    done = subprocess.run(
        [install().binary("prometheus-alertmanager"), "--help"],
        capture_output=True,
        text=True,
        check=False,
    )
    return frozenset(
        re.findall(r"^\s+(?:-\w, )?(--[\w.-]+)", done.stdout + done.stderr, re.MULTILINE)
    )


def _write(folder: Path, name: str, content: Mapping[str, Any]) -> None:
    (folder / name).write_text(yaml.safe_dump(dict(content), sort_keys=False))


def _check(tool: str, verb: list[str], folder: Path, name: str, content: Mapping[str, Any]) -> str:
    _write(folder, name, content)
    done = subprocess.run(
        [install().binary(tool), *verb, name],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    said = done.stdout + done.stderr
    if done.returncode:
        raise RefusedError(said)
    return said
