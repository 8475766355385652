"""What the shape of an expression is, by what its functions and operators do."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import promql_parser as promql

from tests.promql.names import Names
from tests.promql.shapes import Shape
from tests.promql.units import PER_SECOND, UNITS, Quantity

_COUNTS = UNITS["count"]
_COMPARISONS = frozenset({"==", "!=", ">", "<", ">=", "<="})
_SETS = frozenset({"and", "or", "unless"})
_RATES = frozenset({"rate", "irate", "increase"})
_GAUGES_ONLY = frozenset({"delta", "idelta", "deriv", "predict_linear"})
_KEEP = frozenset({"abs", "ceil", "floor", "round", "sort", "sort_desc", "clamp_min", "clamp_max"})


class Evaluation:
    """One expression, evaluated on shapes instead of numbers."""

    def __init__(self, names: Names, *, alert: bool) -> None:
        self._names = names
        self._alert = alert
        self.problems: list[str] = []

    def shape(self, node: Any) -> Shape:
        """The shape of *node* of the parsed expression; `problems` has what is wrong with it."""
        evaluate: Callable[[Any], Shape] | None = {
            promql.NumberLiteral: lambda n: Shape(None, number=n.val),
            promql.StringLiteral: lambda _: Shape(None),
            promql.ParenExpr: lambda n: self.shape(n.expr),
            promql.UnaryExpr: lambda n: self.shape(n.expr).derived,
            promql.VectorSelector: self._selector,
            promql.MatrixSelector: lambda n: self._selector(n.vector_selector),
            promql.SubqueryExpr: lambda n: self.shape(n.expr),
            promql.Call: self._call,
            promql.AggregateExpr: self._aggregate,
            promql.BinaryExpr: self._binary,
        }.get(type(node))
        if evaluate is None:
            message = f"no shape for {type(node).__name__}"
            raise NotImplementedError(message)
        return evaluate(node)

    def _selector(self, node: promql.VectorSelector) -> Shape:
        found = self._names.series(node.name or "")
        if isinstance(found, str):
            self.problems.append(found)
            return Shape(frozenset())
        for matcher in node.matchers.matchers:
            self.problems += self._names.missing([matcher.name], found, f"{node.name} matches")
            if matcher.op != promql.MatchOp.Equal:
                continue
            if matcher.name == "le" and found.bounds and matcher.value not in found.bounds:
                edges = ", ".join(sorted(found.bounds, key=float))
                self.problems.append(f'{node.name} has no le="{matcher.value}": one of {edges}')
            if matcher.name == "job" and not self._names.knows_job(matcher.value):
                self.problems.append(f"no job is called {matcher.value!r}")
        return found

    def _call(self, node: promql.Call) -> Shape:
        name = node.func.name
        if name in {"absent", "absent_over_time"}:
            return self._absent(node)
        shapes = [self.shape(argument) for argument in node.args]
        if name == "vector":
            return Shape(frozenset(), number=shapes[0].number)
        if name in _RATES:
            return self._rate(name, shapes[0])
        if name == "histogram_quantile":
            return self._quantile(shapes[1])
        if name in {"changes", "resets"}:
            return replace(shapes[0].derived, unit=_COUNTS)
        if name in _GAUGES_ONLY and shapes[0].only_grows:
            self.problems.append(f"{name}() of a counter, which may be reset")
        if name in _GAUGES_ONLY or name in _KEEP or name.endswith("_over_time"):
            return shapes[0].derived if name in _GAUGES_ONLY else shapes[0]
        message = f"no shape for {name}()"
        raise NotImplementedError(message)

    def _rate(self, name: str, of: Shape) -> Shape:
        if of.kind is not None and not of.only_grows:
            self.problems.append(f"{name}() of a {of.kind}: only of a counter or a histogram")
        unit = of.unit * PER_SECOND if of.unit and name != "increase" else of.unit
        return replace(of, kind=None, keeps=None, unit=unit)

    def _quantile(self, of: Shape) -> Shape:
        if of.bounds is None or "le" not in (of.labels or ()):
            self.problems.append("histogram_quantile() needs the buckets of a histogram, by le")
        if of.only_grows:
            self.problems.append("histogram_quantile() of all time: take the rate of the buckets")
        return Shape((of.labels or frozenset()) - {"le"}, of.observed)

    def _absent(self, node: promql.Call) -> Shape:
        self.shape(node.args[0])
        selector = node.args[0]
        if not isinstance(selector, promql.VectorSelector):
            return Shape(frozenset(), _COUNTS)
        equal = [m.name for m in selector.matchers.matchers if m.op == promql.MatchOp.Equal]
        return Shape(frozenset(equal), _COUNTS)

    def _aggregate(self, node: promql.AggregateExpr) -> Shape:
        of = self.shape(node.expr)
        operation = str(node.op)
        if operation == "sum" and of.only_grows and of.kind:
            self.problems.append("sum of counters: a restart of one looks like a fall; rate first")
        labels = self._grouped(node, of)
        if operation in {"topk", "bottomk"}:
            return of
        if operation in {"count", "group"}:
            return Shape(labels, _COUNTS)
        return replace(of, labels=labels)

    def _grouped(self, node: promql.AggregateExpr, of: Shape) -> frozenset[str]:
        had = of.labels or frozenset()
        if node.modifier is None:
            return frozenset()
        named = node.modifier.labels
        self.problems += self._names.missing(named, of, f"{node.op} groups by")
        if node.modifier.type == promql.AggModifierType.By:
            return had & frozenset(named)
        return had - frozenset(named)

    def _binary(self, node: promql.BinaryExpr) -> Shape:
        left, right = self.shape(node.lhs), self.shape(node.rhs)
        operator = str(node.op).split()[0]
        if left.labels is not None and right.labels is not None and operator != "or":
            self._matching(node, left, right)
        if operator in _SETS:
            return self._set(operator, node, left, right)
        if operator in _COMPARISONS:
            return self._comparison(left, right)
        return self._arithmetic(operator, left, right)

    def _matching(self, node: promql.BinaryExpr, left: Shape, right: Shape) -> None:
        sides = [left.labels or frozenset(), right.labels or frozenset()]
        matching = node.modifier.matching if node.modifier else None
        if matching and matching.type == promql.LabelModifierType.Include:
            for side in (left, right):
                self.problems += self._names.missing(matching.labels, side, "matches on")
            return
        without = frozenset(matching.labels if matching else ())
        one, other = (side - without for side in sides)
        if one != other:
            self.problems.append(
                f"nothing matches: {sorted(one - other)} on the left of {node.op} only,"
                f" {sorted(other - one)} on the right only"
            )

    def _set(self, operator: str, node: promql.BinaryExpr, left: Shape, right: Shape) -> Shape:
        if operator == "unless" and _is_earlier(node.lhs, node.rhs):
            return left.derived  # series that have just begun
        if operator != "or":
            return left
        self._same_unit("or", left, right)
        both = (left.labels or frozenset()) & (right.labels or frozenset())
        grows = left if left.only_grows else right
        return replace(left, labels=both, kind=grows.kind, unit=left.unit or right.unit)

    def _comparison(self, left: Shape, right: Shape) -> Shape:
        self._same_unit("compared with", left, right)
        for side, other in ((left, right), (right, left)):
            if self._alert and side.only_grows:
                self.problems.append(
                    "a count since the start never falls: the alert stays for ever"
                )
            if self._alert and side.keeps:
                self.problems.append(f"keeps {side.keeps}: the alert would not resolve")
            number = other.number
            if side.unit and side.unit.is_ratio and number is not None and not 0 <= number <= 1:
                self.problems.append(f"a share is compared with {number:g}: it is from 0 to 1")
        return (left if left.labels is not None else right).derived

    def _arithmetic(self, operator: str, left: Shape, right: Shape) -> Shape:
        for side in (left, right):
            if side.only_grows:
                self.problems.append(f"{operator} of a count since the start: take its rate first")
        series = left if left.labels is not None else right
        return replace(series.derived, unit=self._computed(operator, left, right), number=None)

    def _computed(self, operator: str, left: Shape, right: Shape) -> Quantity | None:
        if operator in {"+", "-"}:
            self._same_unit(operator, left, right)
            return left.unit or right.unit
        if operator not in {"*", "/"}:
            message = f"no unit for {operator}"
            raise NotImplementedError(message)
        one, other = _as_quantity(left), _as_quantity(right)
        if one is None or other is None:
            return None
        return one * other if operator == "*" else one / other

    def _same_unit(self, how: str, left: Shape, right: Shape) -> None:
        if left.unit and right.unit and not left.unit.same(right.unit):
            self.problems.append(f"{left.unit} {how} {right.unit}")


def _as_quantity(shape: Shape) -> Quantity | None:
    """A number that is written out changes the scale: watts / 1000 are kilowatts."""
    if shape.number is None:
        return shape.unit
    return Quantity(1 / shape.number) if shape.number else None


def _is_earlier(one: Any, other: Any) -> bool:
    """Whether *other* is *one* at an earlier time."""
    return (
        isinstance(one, promql.VectorSelector)
        and isinstance(other, promql.VectorSelector)
        and one.name == other.name
        and str(one.matchers) == str(other.matchers)
        and other.offset is not None
    )
