"""What the API server takes of an object: names, labels, quantities, ports, CIDRs, 31-bit numbers.

Written from Kubernetes' own validation, not from the types of the configuration, so that the two
can disagree: apimachinery v0.36.3, pkg/util/validation/validation.go and pkg/api/resource, and
kubernetes v1.36.3, pkg/apis/*/validation. Kinds of operators are held to what those rules say of
the names and labels that the operators make of them.
"""

import re
from collections.abc import Iterator
from ipaddress import ip_network
from typing import Any, Final

from tests.support import Asked, Recorded

_LABEL: Final = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?", re.ASCII)
_DNS_1035: Final = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?", re.ASCII)
_VALUE: Final = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?", re.ASCII)
_QUALIFIED: Final = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]", re.ASCII)
_FILE: Final = re.compile(r"[-._a-zA-Z0-9]+", re.ASCII)
# The grammar of pkg/api/resource/quantity.go, but for signs: nothing here is negative.
_QUANTITY: Final = re.compile(
    r"([0-9]+|[0-9]+\.[0-9]*|\.[0-9]+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]+)?", re.ASCII
)
_SUFFIX: Final = "-01234567"
"""Appended by the provider where `metadata.name` is not given."""
_SHORTER: Final = {
    # The hash of a revision follows, in a label of 63: `<name>-<10 characters>`.
    "StatefulSet": 52,
    "LeaderWorkerSet": 52 - len("-0"),
    # Of each the name is a label of its pods, or of what the operator makes of it.
    "Job": 63,
    "Service": 63,
    "Namespace": 63,
    "ScaledObject": 63 - len("keda-hpa-"),
    "Tenant": 52 - len("-pool-0"),
    "Cluster": 50,
}
_LONG_NUMBERS: Final = frozenset(
    {"activeDeadlineSeconds", "terminationGracePeriodSeconds", "runAsUser", "runAsGroup", "fsGroup"}
    | {"cooldownPeriod", "observedGeneration"}
)
_LABELS: Final = ("containers[].name", "Containers[].name", "volumes[].name")
_AMOUNTS: Final = frozenset({"requests", "limits", "hard", "default", "defaultRequest"})


def refused(recorded: Recorded) -> list[str]:
    """What the API server would refuse of all objects of the program, a line each."""
    return [
        f"{asked.type} {asked.name}: {what}"
        for asked in recorded.values()
        if asked.type.startswith("kubernetes:")
        for what in (*_metadata(asked), *_fields(asked.inputs, ""))
    ]


def _metadata(asked: Asked) -> Iterator[str]:
    kind = asked.type.rsplit(":", 1)[-1]
    metadata = asked.inputs.get("metadata", {})
    name = metadata.get("name") or asked.name + _SUFFIX
    longest = _SHORTER.get(kind, 253)
    if len(name) > longest:
        yield f"name of {len(name)} characters, at most {longest}: {name}"
    one_label = kind in ("Service", "Namespace", "StatefulSet", "LeaderWorkerSet")
    form = _DNS_1035 if kind == "Service" else _LABEL
    if not all(form.fullmatch(part) for part in ([name] if one_label else name.split("."))):
        yield f"name {name!r}"
    if sum(map(len, metadata.get("annotations", {}).values())) > 256 * 1024:
        yield "annotations of more than 256 KiB"
    for field in ("data", "stringData"):
        for file in asked.inputs.get(field, {}):
            if not _FILE.fullmatch(file) or len(file) > 253:
                yield f"{field} {file!r}"
        if sum(len(str(text)) for text in asked.inputs.get(field, {}).values()) > 1024 * 1024:
            yield f"{field} of more than 1 MiB"


def _fields(node: object, path: str) -> Iterator[str]:
    if isinstance(node, list):
        for item in node:
            yield from _fields(item, f"{path}[]")
    elif isinstance(node, dict):
        for key, value in node.items():
            yield from _field(key, value, f"{path}.{key}")
            yield from _fields(value, f"{path}.{key}")


def _field(key: str, value: Any, path: str) -> Iterator[str]:
    if key in ("labels", "matchLabels", "nodeSelector") and isinstance(value, dict):
        yield from _labels(value, path)
    elif key in _AMOUNTS and isinstance(value, dict):
        yield from (f"{path}.{name} {v!r}" for name, v in value.items() if not _is_amount(v))
        yield from (f"{path} {name!r}" for name in value if not _is_qualified(name))
    elif isinstance(value, int | float) and not isinstance(value, bool):
        if not _is_in_range(key, value):
            yield f"{path} {value!r}"
    elif isinstance(value, str) and not _is_text(key, value, path):
        yield f"{path} {value!r}"


def _is_text(key: str, value: str, path: str) -> bool:
    if key in ("storage", "sizeLimit", "size"):
        return _is_amount(value)
    if key == "cidr":
        return _is_network(value)
    if path.endswith(_LABELS):
        return len(value) <= 63 and bool(_LABEL.fullmatch(value))
    if path.endswith("ports[].name"):
        return len(value) <= 15 and bool(_LABEL.fullmatch(value))
    return True


def _is_in_range(key: str, value: float) -> bool:
    if key in ("containerPort", "port", "targetPort"):
        return 1 <= value <= 65535
    return value == int(value) and abs(value) < (2**63 if key in _LONG_NUMBERS else 2**31)


def _labels(labels: dict[str, Any], path: str) -> Iterator[str]:
    for key, value in labels.items():
        if not _is_qualified(key):
            yield f"{path} {key!r}"
        if not isinstance(value, str) or len(value) > 63 or not _VALUE.fullmatch(value):
            yield f"{path}.{key} {value!r}"


def _is_qualified(key: str) -> bool:
    prefix, slash, name = key.rpartition("/")
    proper = len(name) <= 63 and _QUALIFIED.fullmatch(name)
    return bool(proper) and (
        not slash
        or (len(prefix) <= 253 and all(_LABEL.fullmatch(part) for part in prefix.split(".")))
    )


def _is_amount(value: object) -> bool:
    return isinstance(value, str) and bool(_QUANTITY.fullmatch(value))


def _is_network(value: object) -> bool:
    try:
        return isinstance(value, str) and "/" in value and bool(ip_network(value))
    except ValueError:
        return False
