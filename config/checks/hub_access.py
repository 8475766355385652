"""Checks that the hub lets the stack download its models, where its token is known."""

from collections.abc import Iterator

from base.problems import Problem
from catalog.models import ModelSpec
from config.settings.model_store import HubSource
from config.stack import StackConfig

TOKEN = "private-ai:hub-token"  # noqa: S105 - the name of a key


def missing_token(config: StackConfig, *, given: bool) -> Iterator[Problem]:
    """Gated models that the public hub refuses without a token; none if one is *given*.

    Mirrors are not checked: they may need no token.
    """
    source = config.model_store.source
    if given or source != HubSource():
        return
    for name, model in config.models.items():
        repository = model.checkpoint.repository
        if is_gated(model.spec, repository):
            yield Problem(
                TOKEN,
                f"nothing, and models.{name} is gated by a license",
                f"the token of an account that has accepted the license of {repository}",
                "Accept it on the hub, and run: pulumi config set --secret hub-token",
            )


def is_gated(spec: ModelSpec, repository: str) -> bool:
    """Whether *repository*, with weights of *spec*, is gated by their publisher's license.

    Copies in other organizations are not.
    """
    published = spec.checkpoints[spec.serve_dtype].repository
    organization, _, _ = published.partition("/")
    return spec.gated and repository.startswith(f"{organization}/")
