"""Repository, API address and token: from options, else from the variables of the CI job.

Tokens are read from a file or a variable, never from an argument: arguments appear in process lists
and job logs.
"""

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from base.problems import Problem
from review.forge import github, gitlab
from review.forge.errors import ForgeError
from review.forge.forgejo import Forgejo
from review.forge.github import GitHub
from review.forge.gitlab import GitLab
from review.forge.repository import Repository
from review.forges import Forge
from review.wording import visible

Open = Callable[[str, str, str, Callable[[float], None]], Repository]
"""Opens a repository, given API address, repository, token and sleep function."""


@dataclass(frozen=True)
class _Kind:
    """CI variables of a forge; of several variables the first that is set is used."""

    token: str
    api: tuple[str, ...]
    public_api: str
    repository: tuple[str, ...]
    owner_and_name: bool
    """Whether a repository has exactly two parts."""
    open: Open


_KINDS: Mapping[Forge, _Kind] = {
    # docs.github.com, variables reference
    Forge.GITHUB: _Kind(
        token="GITHUB_TOKEN",  # noqa: S106 - a variable's name
        api=("GITHUB_API_URL",),
        public_api=github.PUBLIC_API,
        repository=("GITHUB_REPOSITORY",),
        owner_and_name=True,
        open=GitHub,
    ),
    # docs.gitlab.com/ci/variables/predefined_variables. Not CI_JOB_TOKEN: it may not write notes,
    # gitlab-org/gitlab#464591.
    Forge.GITLAB: _Kind(
        token="GITLAB_TOKEN",  # noqa: S106 - a variable's name
        api=("CI_API_V4_URL",),
        public_api=gitlab.PUBLIC_API,
        repository=("CI_PROJECT_PATH",),
        owner_and_name=False,
        open=GitLab,
    ),
    # forgejo.org/docs, Actions reference; its runner sets GitHub's names too.
    Forge.FORGEJO: _Kind(
        token="FORGEJO_TOKEN",  # noqa: S106 - a variable's name
        api=("FORGEJO_API_URL", "GITHUB_API_URL"),
        public_api="",
        repository=("FORGEJO_REPOSITORY", "GITHUB_REPOSITORY"),
        owner_and_name=True,
        open=Forgejo,
    ),
}
_PART = r"[A-Za-z0-9_.-]+"


def open_repository(
    forge: Forge,
    environment: Mapping[str, str],
    *,
    repository: str | None = None,
    api: str | None = None,
    token_file: Path | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> Repository:
    """The repository; missing options are read from *environment*. Raises ForgeError."""
    kind = _KINDS[forge]
    address = api or _first(environment, kind.api) or kind.public_api
    if not address:
        raise ForgeError(
            Problem(
                path="--api",
                got="missing",
                allowed="the address of the API, such as https://forge.example/api/v1",
                change=f"pass the option, or set {kind.api[0]}",
            )
        )
    named = repository or _first(environment, kind.repository) or ""
    parts = rf"{_PART}/{_PART}" if kind.owner_and_name else rf"{_PART}(/{_PART})+"
    if not re.fullmatch(parts, named) or {".", ".."} & set(named.split("/")):
        raise ForgeError(
            Problem(
                path="--repository",
                got=visible(named) or "missing",
                allowed="owner/name" + ("" if kind.owner_and_name else ", with all groups"),
                change=f"pass the option, or set {kind.repository[0]}",
            )
        )
    return kind.open(address, named, _token(kind, environment, token_file), sleep)


def _token(kind: _Kind, environment: Mapping[str, str], file: Path | None) -> str:
    try:
        token = file.read_text(encoding="utf-8") if file else environment.get(kind.token, "")
    except (OSError, UnicodeDecodeError) as error:
        raise _no_token(kind, f"{file}: {type(error).__name__}") from None
    token = token.strip()
    if not token:
        raise _no_token(kind, f"{file} is empty" if file else "missing")
    if not re.fullmatch(r"[\x21-\x7e]+", token):
        raise _no_token(kind, "text with blanks or control characters")
    return token


def _no_token(kind: _Kind, got: str) -> ForgeError:
    return ForgeError(
        Problem(
            path=kind.token,
            got=got,
            allowed="a token that can write comments and issues",
            change=f"set {kind.token} in the job, or pass a file with --token-file"
            " (permissions: docs/how-to/pull-requests.md)",
        )
    )


def _first(environment: Mapping[str, str], names: tuple[str, ...]) -> str | None:
    return next((environment[name] for name in names if environment.get(name)), None)
