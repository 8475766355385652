"""The text form of Kubernetes quantities. Standard library only, for the policy rules.

https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
"""

import re
from decimal import Decimal
from math import ceil

_KIBI = 1024
_BINARY = ("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei")
_DECIMAL = ("n", "u", "m", "", "k", "M", "G", "T", "P", "E")
_EXPONENT = ("e-9", "e-6", "e-3", "", "e3", "e6", "e9", "e12", "e15", "e18")
_NANO = Decimal("1e-9")
"""The smallest unit of the API; anything finer is rounded up to it."""
_FACTOR = {
    **{suffix: _NANO * 1000**i for i, suffix in enumerate(_DECIMAL)},
    **{suffix: Decimal(_KIBI) ** i for i, suffix in enumerate(_BINARY)},
}
_FORM = re.compile(
    r"(?P<number>\d+\.?\d*|\.\d+)(?:(?P<exponent>[eE][+-]?\d{1,2})|(?P<suffix>[numk]|Ki|[MGTPE]i?)?)",
    re.ASCII,
)


def parse(quantity: str) -> Decimal:
    """The number of base units (cores or bytes) in *quantity*, such as `500m`, `2`, `16Gi`.

    Raises ValueError for anything that is not a quantity of zero or more.
    """
    match = _FORM.fullmatch(quantity)
    if match is None:
        message = "must be a Kubernetes quantity such as 500m, 2, 16Gi or 2Ti"
        raise ValueError(message)
    if match["exponent"]:
        return Decimal(match["number"] + match["exponent"])
    return Decimal(match["number"]) * _FACTOR[match["suffix"] or ""]


def canonical(quantity: str) -> str:
    """*quantity* as Kubernetes itself writes it: `81920Mi` is `80Gi`, `0.5` is `500m`.

    apimachinery's rule (pkg/api/resource, Quantity.CanonicalizeBytes): the largest suffix that
    leaves a whole number, of the same kind; parts of a nano-unit or of a byte are rounded up.
    """
    value = parse(quantity)
    if quantity.endswith("i") and value >= _KIBI:
        step, suffixes, number = _KIBI, _BINARY, ceil(value)
    else:
        exponential = re.search(r"[eE][+-]?\d", quantity)
        step, suffixes, number = 1000, _EXPONENT if exponential else _DECIMAL, ceil(value / _NANO)
    at = 0
    while number and number % step == 0 and at < len(suffixes) - 1:
        number, at = number // step, at + 1
    return f"{number}{suffixes[at]}" if number else "0"
