"""Whether the hub will give what the stack asks it for; known only where the token is."""

from collections.abc import Iterator

from base.problems import Problem
from catalog.models import ModelSpec
from config.settings.model_store import HubSource
from config.stack import StackConfig

TOKEN = "private-ai:hub-token"  # noqa: S105 - the name of a key


def missing_token(config: StackConfig, *, given: bool) -> Iterator[Problem]:
    """What the public hub refuses to *config* without a token; nothing if one is *given*.

    A mirror may be open to whoever reaches it, so only the public hub's answer is foreseen.
    """
    source = config.model_store.source
    if given or source != HubSource():
        return
    for name, model in config.models.items():
        repository = model.checkpoint.repository
        if is_gated(model.spec, repository):
            yield Problem(
                TOKEN,
                f"nothing, and models.{name} is behind a licence",
                f"the token of an account that has accepted the licence of {repository}",
                "Accept it on the hub, and run: pulumi config set --secret hub-token",
            )


def is_gated(spec: ModelSpec, repository: str) -> bool:
    """Whether *repository*, with weights of *spec*, is behind the licence of their publisher.

    Copies by others are not.
    """
    published = spec.checkpoints[spec.serve_dtype].repository
    organisation, _, _ = published.partition("/")
    return spec.gated and repository.startswith(f"{organisation}/")
