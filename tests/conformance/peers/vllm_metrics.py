"""The metrics that vLLM exports, read from the calls that create them."""

import ast
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from tests.conformance.peers.python_source import Module, Package

Kind = Literal["counter", "gauge", "histogram", "unknown"]

_METRIC = re.compile(r"vllm:[a-z0-9_]+")
_WIRE = {"counter": ["_total"], "gauge": [""], "histogram": ["_bucket", "_sum", "_count"]}


@dataclass(frozen=True)
class Metric:
    """One metric family."""

    name: str
    """As in the source; a counter is exported with `_total`."""
    kind: Kind
    buckets: tuple[float, ...] | None
    """Upper bounds of a histogram, where they do not depend on the model."""
    condition: str | None
    """What must hold for it to be exported, in Python; None if it always is."""

    @property
    def series(self) -> frozenset[str]:
        """The names of its time series."""
        if self.kind == "unknown":
            suffixes = sorted({suffix for each in _WIRE.values() for suffix in each})
        else:
            suffixes = _WIRE[self.kind]
        base = self.name.removesuffix("_total") if self.kind == "counter" else self.name
        return frozenset(f"{base}{suffix}" for suffix in suffixes)

    @property
    def bounds(self) -> frozenset[str]:
        """The values of `le`, as the Prometheus client for Python prints them."""
        return frozenset({*(str(float(bound)) for bound in self.buckets or ()), "+Inf"})


def bucket_families(package: Package) -> dict[str, tuple[float, ...]]:
    """The bounds of each family of histograms that does not depend on the model."""
    module = package.module("vllm.v1.metrics.buckets")
    table = module.assigned["_STATIC_FAMILY_DEFAULTS"]
    if not isinstance(table, ast.Dict):
        message = "vllm.v1.metrics.buckets no longer keeps its families in a dict"
        raise TypeError(message)
    return {
        ast.literal_eval(key): tuple(
            map(float, ast.literal_eval(module.assigned[ast.unparse(value)]))
        )
        for key, value in zip(table.keys, table.values, strict=True)
        if key is not None
    }


def of_module(module: Module, families: Mapping[str, tuple[float, ...]]) -> Iterable[Metric]:
    """The families that *module* mentions; one may come several times, known less or better."""
    buckets = _bucket_variables(module, families)
    for node, condition in module.with_conditions():
        if isinstance(node, ast.Call):
            kind = _metric_kind(ast.unparse(node.func))
            named = {word.arg: word.value for word in node.keywords if word.arg}
            name = named.get("name") or (node.args[0] if node.args else None)
            if kind != "unknown" and isinstance(name, ast.Constant) and _is_metric(name.value):
                bounds = buckets.get(ast.unparse(named["buckets"])) if "buckets" in named else None
                yield Metric(str(name.value), kind, bounds, condition)
        elif isinstance(node, ast.Constant) and _is_metric(node.value):
            yield Metric(str(node.value), "unknown", None, condition)


def _metric_kind(function: str) -> Kind:
    for kind in ("counter", "gauge", "histogram"):
        if re.fullmatch(rf"(\w+\.)*_?{kind}(_cls)?", function, re.IGNORECASE):
            return kind
    return "unknown"


def _bucket_variables(
    module: Module, families: Mapping[str, tuple[float, ...]]
) -> dict[str, tuple[float, ...]]:
    """Variables assigned `histogram_buckets("family", …)`."""
    found: dict[str, tuple[float, ...]] = {}
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            call = node.value
            if ast.unparse(call.func) == "histogram_buckets" and call.args:
                family = ast.literal_eval(call.args[0])
                if family in families:
                    found[ast.unparse(node.targets[0])] = families[family]
    return found


def _is_metric(value: object) -> bool:
    return isinstance(value, str) and _METRIC.fullmatch(value) is not None
