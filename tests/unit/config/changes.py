"""Changes of a stack's YAML: a value at a path, plausible or odd."""

import copy
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

Path = tuple[str | int, ...]

NAMES = st.one_of(
    st.text("ab1-", min_size=1, max_size=70),
    st.text(min_size=1, max_size=8),
    st.sampled_from(["a.b", "A", "master", "default", "kube-x", "1a", "a-", "a\n", "é", "a" * 300]),
)
_QUANTITIES = st.one_of(
    st.builds(
        lambda number, suffix: f"{number}{suffix}",
        st.sampled_from(["0", "1", "3", "500", "1.5", ".5", "2.", "9" * 15, "1e3"]),
        st.sampled_from(["", "n", "m", "k", "M", "G", "T", "E", "Ki", "Mi", "Gi", "Ti", "Ei"]),
    ),
    st.sampled_from([2, 0.5, 1e3, -1, 0, True, "5 Gi", "Gi", "", "+1", "٣Gi"]),
)
_NETWORKS = st.sampled_from(
    [
        *("banana", "10.0.0.1", "10.0.0.1/8", "10.0.0.0/8", "::/0", "fe80::1%1/128", ""),
        *("::ffff:1.2.3.4/128", "10.0.0.0/255.0.0.0", "10.0.0.0/08", "1.2.3.4/32", "010.0.0.0/8"),
    ]
)
_NUMBERS = st.one_of(
    st.integers(-2, 200),
    st.sampled_from([2**31, 2**31 - 1, 2**63, 65_535, 65_536, 10**6, 10**9, 0.5, 0.99, 1.0, True]),
)
_ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.floats(),
    st.integers(-(10**30), 10**30),
    st.text(max_size=20),
    st.sampled_from(
        [
            *(10**400, "\x00", "\ud800", "a\nb", "é" * 300, "://a@b?c=d", "{}", "{a}", "%s", b"x"),
            *("0", "-1", "1e-9", "٣", "2026-13-45"),
            *([], {}, [[[]]], {"": None}, {1: 2}, {None: {True: []}}, {"a": {"a": {"a": []}}}),
        ]
    ),
)
"""Of a wrong type, huge, negative, empty, with control characters, nested."""

_FIELDS: dict[Path, st.SearchStrategy[Any]] = {
    ("platform", "organization"): NAMES,
    ("platform", "registry_prefix"): NAMES,
    ("platform", "api_server_cidrs"): st.lists(_NETWORKS, max_size=2),
    ("platform", "namespaces"): st.dictionaries(
        st.sampled_from(["gpu", "storage", "data", "apps"]), NAMES, max_size=2
    ),
    ("gateway", "client_cidrs"): st.lists(_NETWORKS, max_size=2),
    ("gateway", "tls_secret"): NAMES,
    ("gateway", "replicas"): _NUMBERS,
    ("gateway", "answer_seconds"): _NUMBERS,
    ("gateway", "max_body_mib"): _NUMBERS,
    ("model_store", "cidrs"): st.lists(_NETWORKS, max_size=2),
    ("model_store", "ports"): st.lists(_NUMBERS, max_size=2),
    ("model_store", "download_rate"): _QUANTITIES,
    ("model_store", "read_rate"): _QUANTITIES,
    ("observability", "webhook"): st.fixed_dictionaries(
        {"url": st.just("https://a.test"), "cidrs": st.lists(_NETWORKS), "port": _NUMBERS}
    ),
    ("observability", "storage"): _QUANTITIES,
    ("observability", "retention"): st.sampled_from(["9999d", "30d", "99999y", "0d", "٣d", "1w"]),
    ("qdrant", "nodes"): _NUMBERS,
    ("qdrant", "storage"): _QUANTITIES,
    ("qdrant", "collections"): st.dictionaries(NAMES, st.just({}), max_size=2),
    ("redis", "storage"): _QUANTITIES,
    ("databases", "keycloak", "instances"): _NUMBERS,
    ("databases", "keycloak", "storage"): _QUANTITIES,
    ("minio", "servers"): _NUMBERS,
    ("minio", "volumes_per_server"): _NUMBERS,
    ("minio", "volume_size"): _QUANTITIES,
    ("keycloak", "realm"): NAMES,
    ("keycloak", "replicas"): _NUMBERS,
    ("keycloak", "session_max_hours"): _NUMBERS,
    ("router", "audience"): NAMES,
    ("router", "resources"): st.fixed_dictionaries(
        {
            half: st.fixed_dictionaries({"cpu": _QUANTITIES, "memory": _QUANTITIES})
            for half in ("requests", "limits")
        }
    ),
    ("open_webui", "name"): NAMES,
    ("models", "chat", "drain_seconds"): _NUMBERS,
    ("models", "chat", "max_sequences"): _NUMBERS,
    ("models", "chat", "resources", "requests", "cpu"): _QUANTITIES,
    ("hosts", "ai"): st.sampled_from(["a.b", "1.2.3.4", "a", f"{'a' * 64}.b", "a..b", "a.b\n"]),
}


def accepted(raw: dict[str, Any]) -> st.SearchStrategy[tuple[Path, Any]]:
    """Changes to *raw* of which the configuration accepts many."""
    fields = st.sampled_from(sorted(_FIELDS))
    keyed = st.sampled_from(["teams", "models"])
    model = raw["models"]["reranker"]
    return st.one_of(
        fields.flatmap(lambda path: st.tuples(st.just(path), _FIELDS[path])),
        st.tuples(st.tuples(keyed, NAMES), st.just(model) if raw["pools"] else st.nothing()).map(
            lambda change: (change[0], change[1] if change[0][0] == "models" else {})
        ),
    )


def odd(raw: dict[str, Any]) -> st.SearchStrategy[tuple[Path, Any]]:
    """Changes of any value of *raw* to anything."""
    return st.tuples(st.sampled_from(list(paths(raw))), _ODD)


def paths(node: Any, path: Path = ()) -> Iterator[Path]:
    """The path of every value below *node*."""
    items = node.items() if isinstance(node, dict) else enumerate(node)
    for key, value in items:
        yield (*path, key)
        if isinstance(value, (dict, list)):
            yield from paths(value, (*path, key))


def changed(raw: dict[str, Any], path: Path, value: Any) -> dict[str, Any]:
    """A copy of *raw* with *value* at *path*."""
    whole = copy.deepcopy(raw)
    node: Any = whole
    *parents, last = path
    for key in parents:
        node = node.setdefault(key, {}) if isinstance(node, dict) else node[key]
    node[last] = value
    return whole
