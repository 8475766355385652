"""promtool and amtool, Debian's: what Prometheus and Alertmanager themselves would refuse."""

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.conformance.peers import debian
from tests.conformance.peers.errors import RefusedError

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
