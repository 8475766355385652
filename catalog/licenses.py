"""Licenses of what a stack runs: what each is called, where that was read, and whom it binds."""

from collections.abc import Mapping
from functools import cache

from pydantic import Field

from base.model import Model
from catalog.load import find, read_entries

LICENSES_FILE = "licenses.yaml"
UNKNOWN = "NOASSERTION"
"""SPDX's word for a license that is not known."""


class License(Model):
    """One license, of a program or of weights."""

    id: str = Field(pattern=r"^(NOASSERTION|[A-Za-z0-9.+() -]+)$")
    """SPDX expression; `LicenseRef-…` for a license without an SPDX id; `NOASSERTION`."""
    source: str
    """Where it was read, with the version."""
    binds: str = ""
    """What it asks of who runs a stack for their own people, beyond keeping notices; empty: nothing
    of what is known."""


class ModelLicense(License):
    """The license of a model's weights."""

    key: str
    """Its name, as in catalog/models.yaml."""
    may_forbid: bool = False
    """Whether it may forbid what a stack is for, so that `pai config check` says what it asks."""


@cache
def model_licenses() -> Mapping[str, ModelLicense]:
    """Every license of catalog/models.yaml, by its name there."""
    return read_entries(LICENSES_FILE, ModelLicense)


def model_license(name: str) -> ModelLicense:
    """The license of this name. Raises UnknownEntryError."""
    return find("license", LICENSES_FILE, model_licenses(), name)
