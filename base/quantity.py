"""Kubernetes quantities as fields of models, and the resource requests made of them."""

from math import ceil
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from base.model import Model
from base.quantity_format import parse
from base.units import MIB


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
    """Writable layer and logs, bytes; the limit of a container adds its scratch volumes."""


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

    def with_scratch(self, size_bytes: int) -> Self:
        """These, with *size_bytes* more that may be written to volumes on the node's disk.

        The kubelet evicts a pod that writes more, volumes included, than its containers may:
        https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/
        """
        if not size_bytes:
            return self
        mebibytes = ceil((parse(self.limits.ephemeral_storage) + size_bytes) / MIB)
        limits = self.limits.model_copy(update={"ephemeral_storage": f"{mebibytes}Mi"})
        return self.model_copy(update={"limits": limits})

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
