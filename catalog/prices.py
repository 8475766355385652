"""List prices, in euros per month, each with its source and its date."""

from datetime import date
from functools import cache

import yaml
from pydantic import Field

from base.model import Model
from base.units import GB
from catalog.load import catalog_file

HOURS_PER_MONTH = 730
"""365 days * 24 hours / 12 months, as the clouds bill."""


class _Sourced(Model):
    date: date
    """Date of the source."""
    source: str = Field(min_length=1)


class Rate(_Sourced):
    """Dollars per euro."""

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
    """The whole price list."""

    usd_per_eur: Rate
    gpus: dict[str, GpuPrice]
    """By key of catalog/gpus.yaml."""
    node: NodePrice
    disk: DiskPrice

    def gpu(self, key: str) -> float | None:
        """Euros per month for one GPU; None where the list has no price for it."""
        price = self.gpus.get(key)
        return self._monthly(price.usd_per_hour) if price else None

    def compute(self, cores: float, memory_bytes: float) -> float:
        """Euros per month for nodes with this capacity: the scarcer of the two decides."""
        nodes = max(cores / self.node.cores, memory_bytes / GB / self.node.memory_gb)
        return self._monthly(self.node.usd_per_hour) * nodes

    def storage(self, size_bytes: float) -> float:
        """Euros per month for *size_bytes* of disk."""
        return self._monthly(self.disk.usd_per_gb_hour) * size_bytes / GB

    def _monthly(self, usd_per_hour: float) -> float:
        return usd_per_hour * HOURS_PER_MONTH / self.usd_per_eur.value


@cache
def prices() -> Prices:
    """The price list of catalog/prices.yaml."""
    return Prices.model_validate(
        yaml.safe_load(catalog_file("prices.yaml").read_text(encoding="utf-8"))
    )
