"""The URL of the receiver of alerts comes from one place, and no message quotes its token."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from base.problems import ConfigError
from components import program
from config.checks.alert_webhook import URL
from config.load import load
from review.render import render
from tests.paths import ROOT
from tests.unit.config.test_hub_access import prod

CIDRS = ["192.0.2.1/32"]


def paths(webhook: dict[str, Any] | None, *, given: bool | None) -> list[str]:
    stack = prod()
    stack["observability"] = {"webhook": webhook}
    try:
        load(stack, "prod", alert_webhook_url=given)
    except ConfigError as error:
        return [problem.path for problem in error.problems]
    return []


@pytest.mark.parametrize(
    ("webhook", "given", "path"),
    [
        ({"cidrs": CIDRS}, False, URL),
        ({"cidrs": CIDRS, "url": "https://a.test/in"}, True, "observability.webhook.url"),
        (None, True, "observability.webhook"),
    ],
)
def test_no_url_two_urls_and_a_url_for_nobody_are_refused(
    webhook: dict[str, Any] | None, given: bool, path: str
) -> None:
    assert paths(webhook, given=given) == [path]


@pytest.mark.parametrize(
    ("webhook", "given"),
    [
        ({"cidrs": CIDRS}, True),
        ({"cidrs": CIDRS, "url": "https://a.test/in"}, False),
        ({"cidrs": CIDRS}, None),  # not known
        (None, False),
    ],
)
def test_one_url_is_accepted(webhook: dict[str, Any] | None, given: bool | None) -> None:
    assert paths(webhook, given=given) == []


@pytest.mark.parametrize("url", ["http://hooks.test/canary", "hooks.test/canary", "//canary"])
def test_no_message_quotes_a_url_in_the_file(url: str) -> None:
    stack = prod()
    stack["observability"] = {"webhook": {"url": url, "cidrs": CIDRS}}
    with pytest.raises(ConfigError) as caught:
        load(stack, "prod")

    assert "observability.webhook.url" in str(caught.value)
    assert "canary" not in str(caught.value)


def test_a_secret_that_is_no_url_is_refused_without_quoting_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(program.pulumi, "Config", lambda: {"alert-webhook-url": "http://canary"})
    monkeypatch.setattr(program.pulumi, "get_stack", lambda: "prod")
    monkeypatch.setattr(program, "get_monitor", lambda: None)  # an engine, no mocks
    with pytest.raises(ConfigError) as caught:
        program.alert_webhook_url(load(prod(), "prod").observability)

    assert "an HTTPS URL" in str(caught.value)
    assert "canary" not in str(caught.value)


@pytest.mark.slow
def test_a_preview_without_the_passphrase_takes_the_secret_as_given(tmp_path: Path) -> None:
    """`pai render` and `pai sbom` have a placeholder of it."""
    file = yaml.safe_load((ROOT / "Pulumi.local.yaml").read_text())
    file["config"][URL] = {"secure": "encrypted"}
    file["config"]["private-ai:stack"]["observability"] = {"webhook": {"cidrs": CIDRS}}
    (tmp_path / "Pulumi.local.yaml").write_text(yaml.safe_dump(file))
    for name in ("Pulumi.yaml", "__main__.py"):
        (tmp_path / name).write_text((ROOT / name).read_text())

    names = {each.urn.rpartition("::")[2] for each in render(tmp_path, "local").resources}

    assert "alertmanager-routing" in names
