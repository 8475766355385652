"""Kubernetes quantities as fields of models, and the resource requests made of them."""

from dataclasses import dataclass
from decimal import Decimal
from math import ceil
from typing import Annotated, Any, Final, Self

from pydantic import Field, GetCoreSchemaHandler, GetJsonSchemaHandler, model_validator
from pydantic_core import CoreSchema, core_schema

from base.model import Model
from base.quantity_format import parse
from base.units import MIB

_MILLI: Final = Decimal("0.001")
_MOST: Final = 2**63


@dataclass(frozen=True)
class Amount:
    """Annotates `str` with an amount of something; a number is taken as if it was in quotes."""

    what: str
    """Its name and examples, for the message."""
    least: str
    step: Decimal = Decimal(1)
    """What it is a whole multiple of."""
    suffixes: str = "kMGTPEi"
    """Last characters that it may have besides digits."""
    most: Decimal = Decimal(2**63 - 1)
    """Where Kubernetes' own arithmetic ends (pkg/api/resource/quantity.go)."""

    def check(self, amount: str) -> str:
        """*amount*. Raises ValueError if it is too small, too large, or of something else."""
        try:
            value = parse(amount)
        except ValueError:
            value = None
        fits = amount[-1:].isdigit() or amount[-1:] in (*self.suffixes, ".")
        if (
            value is None
            or not fits
            or not parse(self.least) <= value <= self.most
            or value % self.step != 0
        ):
            bounds = f"at least {self.least}"
            if self.most < _MOST - 1:
                bounds += f" and at most {self.most}"
            message = f"{self.what}; {bounds}"
            raise ValueError(message)
        return amount

    @staticmethod
    def _written(amount: object) -> object:
        if isinstance(amount, float) or (type(amount) is int and abs(amount) < _MOST):
            return repr(amount)
        return amount

    def __get_pydantic_core_schema__(
        self, source: type[Any], handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """The check, after that of `str`, of a number as it would be written."""
        text = core_schema.no_info_after_validator_function(self.check, handler(source))
        return core_schema.no_info_before_validator_function(self._written, text)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Text or a number, for editors."""
        return handler(schema) | {"type": ["string", "number"]}


def amount_of_bytes(least: str) -> Amount:
    """An amount of memory or disk of *least* or more."""
    return Amount("bytes, such as 512Mi, 16Gi or 2T", least)


Cores = Annotated[
    str,
    Amount(
        "CPU cores, such as 500m, 2 or 0.5", "1m", step=_MILLI, suffixes="m", most=Decimal(1024)
    ),
]
"""CPU cores, kept as written. The API server refuses parts of a thousandth; no machine has more."""
Memory = Annotated[str, amount_of_bytes("1Mi")]
"""Memory or the disk of a container, kept as written; with less, a unit was forgotten."""
Disk = Annotated[str, amount_of_bytes("1Gi")]
"""A volume of a database, kept as written; with less, none of them starts."""
Rate = Annotated[str, Amount("bytes per second, such as 500M", "1M")]
"""A rate of reading weights, kept as written; with less, a model takes days."""


class Compute(Model):
    """CPU, memory and ephemeral disk of one container."""

    cpu: Cores
    """CPU cores."""
    memory: Memory
    """Memory, bytes."""
    ephemeral_storage: Memory = "1Gi"
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

    def with_memory(self, extra_bytes: int) -> Self:
        """These, with *extra_bytes* more memory, for what counts as memory but is not the heap."""

        def more(compute: Compute) -> Compute:
            mebibytes = ceil((parse(compute.memory) + extra_bytes) / MIB)
            return compute.model_copy(update={"memory": f"{mebibytes}Mi"})

        return self.model_copy(
            update={"requests": more(self.requests), "limits": more(self.limits)}
        )

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
