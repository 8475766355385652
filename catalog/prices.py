"""List prices, in euros a month, each with its source and its date."""

from datetime import date
from functools import cache

import yaml
from pydantic import Field

from base.model import Model
from catalog.load import catalog_file

HOURS_A_MONTH = 730
"""365 days * 24 hours / 12 months, as the clouds bill."""
_GB = 1e9


class _Sourced(Model):
    date: date
    """When the source said so."""
    source: str = Field(min_length=1)


class Rate(_Sourced):
    """How many dollars a euro is."""

    value: float = Field(gt=0)


class GpuPrice(_Sourced):
    """One GPU with its share of a node."""

    usd_per_hour: float = Field(gt=0)


class NodePrice(_Sourced):
    """A node without GPUs."""

    usd_per_hour: float = Field(gt=0)
    cores: float = Field(gt=0)
    memory_gb: float = Field(gt=0)


class DiskPrice(_Sourced):
    """Network block storage."""

    usd_per_gb_hour: float = Field(gt=0)


class Prices(Model):
    """The whole list."""

    usd_per_eur: Rate
    gpus: dict[str, GpuPrice]
    """By key of catalog/gpus.yaml."""
    node: NodePrice
    disk: DiskPrice

    def gpu(self, key: str) -> float | None:
        """Euros a month of one GPU; None where the list has no price for it."""
        price = self.gpus.get(key)
        return self._monthly(price.usd_per_hour) if price else None

    def compute(self, cores: float, memory_bytes: float) -> float:
        """Euros a month of the nodes that carry this: the scarcer of the two decides."""
        nodes = max(cores / self.node.cores, memory_bytes / _GB / self.node.memory_gb)
        return self._monthly(self.node.usd_per_hour) * nodes

    def storage(self, size_bytes: float) -> float:
        """Euros a month of *size_bytes* of disk."""
        return self._monthly(self.disk.usd_per_gb_hour) * size_bytes / _GB

    def _monthly(self, usd_per_hour: float) -> float:
        return usd_per_hour * HOURS_A_MONTH / self.usd_per_eur.value


@cache
def prices() -> Prices:
    """The list of catalog/prices.yaml."""
    return Prices.model_validate(
        yaml.safe_load(catalog_file("prices.yaml").read_text(encoding="utf-8"))
    )
