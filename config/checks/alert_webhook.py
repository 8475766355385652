"""Checks of where the URL of the alerts' receiver comes from: the stack's file, or a secret."""

from collections.abc import Iterator

from base.problems import Problem
from config.stack import StackConfig

URL = "private-ai:alert-webhook-url"

_STORE = "pulumi config set --secret alert-webhook-url"


def webhook_url(config: StackConfig, *, given: bool) -> Iterator[Problem]:
    """Problems of a receiver without a URL, with two, or of a URL (*given*) without a receiver."""
    webhook = config.observability.webhook
    if webhook is None:
        if given:
            yield Problem(
                "observability.webhook",
                f"nothing, and {URL} is set",
                "the receiver's addresses (cidrs), so that Alertmanager may reach it",
                f"Add observability.webhook with cidrs, or run: pulumi config rm {URL}",
            )
    elif webhook.url is None and not given:
        yield Problem(
            URL,
            "nothing, and observability.webhook has no url",
            "the URL of the receiver",
            f"Run: {_STORE}; or write observability.webhook.url if it holds no token.",
        )
    elif webhook.url is not None and given:
        yield Problem(
            "observability.webhook.url",
            f"a URL, and {URL} is another",
            "one of the two",
            "Remove observability.webhook.url.",
        )
