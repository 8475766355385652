"""The forges that are supported."""

from enum import StrEnum


class Forge(StrEnum):
    """A forge that is supported."""

    GITHUB = "github"
    GITLAB = "gitlab"
    FORGEJO = "forgejo"
