"""The state backend that a shell is set up for."""

import os
from urllib.parse import urlsplit

from base.problems import Problem
from cli.errors import UsageError
from toolchain import state


def another_backend() -> dict[str, str]:
    """The variables that name another state than the simulated stacks', such as a real cluster's.

    A token is `[secret]`.
    """
    named = {
        "PULUMI_BACKEND_URL": os.environ.get("PULUMI_BACKEND_URL", ""),
        "PULUMI_ACCESS_TOKEN": "[secret]" if "PULUMI_ACCESS_TOKEN" in os.environ else "",
    }
    return {k: v for k, v in named.items() if v not in ("", f"file://{state.folder()}")}


def refuse_another_backend(stack: str) -> None:
    """Raise UsageError in a shell that is set up for another state."""
    named = another_backend()
    if not named:
        return
    unset = f"unset {' '.join(named)}"
    raise UsageError(
        *(
            Problem(
                path=variable,
                got=value if value == "[secret]" else _without_credentials(value),
                allowed="nothing, or the state of the simulated stacks, the only one of `pai up`",
                change=f"for a real cluster `pulumi up --stack {stack}`; else `{unset}`",
            )
            for variable, value in named.items()
        )
    )


def _without_credentials(url: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="").geturl()
