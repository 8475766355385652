"""Kubernetes quantities as comparable values, and the resources of a container."""

import re
from decimal import Decimal
from math import ceil
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from base.model import Model

# Suffixes of the Kubernetes quantity grammar that make sense for CPU, memory and disk.
# https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
_SUFFIX = {
    "m": Decimal("0.001"),
    "": Decimal(1),
    "k": Decimal(10) ** 3,
    "M": Decimal(10) ** 6,
    "G": Decimal(10) ** 9,
    "T": Decimal(10) ** 12,
    "Ki": Decimal(2) ** 10,
    "Mi": Decimal(2) ** 20,
    "Gi": Decimal(2) ** 30,
    "Ti": Decimal(2) ** 40,
}
_KIBI = 1024
_BINARY = ("", "Ki", "Mi", "Gi", "Ti")
_DECIMAL = ("m", "", "k", "M", "G", "T")
_FORM = re.compile(r"^(\d+(?:\.\d+)?)(m|k|M|G|T|Ki|Mi|Gi|Ti)?$")


def parse(quantity: str) -> Decimal:
    """The number of base units (cores or bytes) in *quantity*, such as `500m`, `2`, `16Gi`.

    Raises ValueError for anything that is not a quantity.
    """
    match = _FORM.match(quantity)
    if match is None:
        message = "must be a Kubernetes quantity such as 500m, 2, 16Gi or 2Ti"
        raise ValueError(message)
    return Decimal(match[1]) * _SUFFIX[match[2] or ""]


def canonical(quantity: str) -> str:
    """*quantity* as Kubernetes itself writes it: `81920Mi` is `80Gi`, `0.5` is `500m`.

    apimachinery's rule (pkg/api/resource, Quantity.CanonicalizeBytes): the largest suffix of the
    same kind that leaves a whole number; fractions of a thousandth or of a byte are rounded up.
    """
    value = parse(quantity)
    binary = quantity.endswith("i") and value >= _KIBI
    step, suffixes = (_KIBI, _BINARY) if binary else (1000, _DECIMAL)
    number, at = ceil(value if binary else value * 1000), 0
    while number and number % step == 0 and at < len(suffixes) - 1:
        number, at = number // step, at + 1
    return f"{number}{suffixes[at]}" if number else "0"


def _checked(quantity: str) -> str:
    parse(quantity)
    return quantity


Quantity = Annotated[str, AfterValidator(_checked)]
"""A Kubernetes quantity, kept as written."""


class Compute(Model):
    """CPU, memory and ephemeral disk of one container."""

    cpu: Quantity
    """CPU cores."""
    memory: Quantity
    """Memory, bytes."""
    ephemeral_storage: Quantity = "1Gi"
    """Writable layer, logs and emptyDir on disk, bytes."""


class Resources(Model):
    """Requests and limits of one container."""

    requests: Compute = Field(description="Reserved by the scheduler.")
    limits: Compute = Field(description="Enforced by the kubelet; never below the requests.")

    @model_validator(mode="after")
    def _limits_cover_requests(self) -> Self:
        for field in Compute.model_fields:
            asked, limit = getattr(self.requests, field), getattr(self.limits, field)
            if parse(asked) > parse(limit):
                message = f"limits.{field} is {limit}, below requests.{field} {asked}"
                raise ValueError(message)
        return self

    def manifest(self) -> dict[str, dict[str, str]]:
        """`requests` and `limits` as Kubernetes spells them."""
        return {
            half: {field.replace("_", "-"): amount for field, amount in compute.items()}
            for half, compute in self.model_dump().items()
        }

    @classmethod
    def of(cls, cpu: str, memory: str, *, max_cpu: str, max_memory: str) -> Self:
        """Requests and limits in one line, with the default ephemeral storage."""
        return cls(
            requests=Compute(cpu=cpu, memory=memory),
            limits=Compute(cpu=max_cpu, memory=max_memory, ephemeral_storage="4Gi"),
        )

    @classmethod
    def fixed(cls, cpu: str, memory: str, ephemeral_storage: str = "1Gi") -> Self:
        """Equal requests and limits: the Guaranteed quality of service."""
        compute = Compute(cpu=cpu, memory=memory, ephemeral_storage=ephemeral_storage)
        return cls(requests=compute, limits=compute)
