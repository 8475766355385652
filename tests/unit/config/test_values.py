"""What each field refuses, and that the rest of the file is no reason for it."""

import copy
from typing import Any

import pytest

from config.load import load
from tests.unit.config.test_load import STACKS, problems

_FILES = {"repository": "a/b", "revision": "0" * 40, "size": "1Gi"}
_NODES = {"profile": "cpu-16", "count": 1}
_LIMITS = {"cpu": "2", "memory": "4Gi"}
_SMALL = {"cpu": 1, "memory": "128Mi"}


@pytest.mark.parametrize("team", ["Direction générale", "/", "a" * 42, "-a", "a_b", "", "a\nb"])
def test_a_team_is_called_as_a_secret_can_be(team: str) -> None:
    [problem] = problems(**{f"teams__{team}": {}})

    assert "lower-case letters, digits and hyphens, without a hyphen at either" in problem.allowed
    assert "at most 41 characters" in problem.allowed


def test_a_name_is_refused_with_the_nearest_that_would_do() -> None:
    [problem] = problems(**{"teams__Direction générale": {}})

    assert problem.path == "teams.Direction générale"
    assert problem.change == "Rename it, for example to direction-generale."


@pytest.mark.parametrize("name", ["code$(id)", "a" * 35, "1b", "a.b", "Chat"])
def test_a_model_is_called_as_a_service_can_be(name: str) -> None:
    model = STACKS["prod"]["models"]["reranker"] | {"replicas": 1}
    [problem] = problems(**{f"models__{name}": model, "models__reranker__replicas": 1})

    assert problem.path.startswith("models.")
    assert "a letter first and no hyphen last; at most 34" in problem.allowed


@pytest.mark.parametrize("name", ["L 40/S", "1l40s", "l" * 41])
def test_a_pool_is_called_as_the_label_of_its_nodes_can_be(name: str) -> None:
    pool = STACKS["prod"]["pools"]["l40s"]
    found = problems(**{f"pools__{name}": pool})

    assert [p.path for p in found if "a letter first" in p.allowed] == [f"pools.{name}"]


@pytest.mark.parametrize(
    ("path", "value", "allowed"),
    [
        ("qdrant__collections", {"a/../b": {}}, "lower-case letters, digits and hyphens"),
        ("platform__api_server_cidrs", ["banana"], "an address, / and the length of the prefix"),
        ("platform__dns_cache_cidrs", ["169.254.20.10"], "networks such as 198.51.100.0/24"),
        ("gateway__client_cidrs", ["10.0.0.1"], "networks such as 198.51.100.0/24"),
        ("gateway__client_cidrs", ["10.0.0.0/255.0.0.0"], "the length of the prefix"),
        ("model_store__cidrs", ["10.0.0.1/8"], "has host bits set"),
        ("model_store__cidrs", ["::ffff:1.2.3.0/120"], "without ::ffff:"),
        (
            "observability__webhook",
            {"url": "https://a.test", "cidrs": ["a.test"]},
            "networks such as",
        ),
        ("observability__webhook", {"url": "https://a\x00", "cidrs": ["::/0"]}, "an HTTPS URL"),
        ("platform__organization", "a\nb", "one line of text"),
        ("platform__organization", "a" * 54, "at most 53 characters"),
        ("platform__registry_prefix", "-a..", "a registry with a path"),
        ("platform__disposable", "no", "true or false, without quotes"),
        ("platform__disposable", 1, "true or false, without quotes"),
        ("qdrant__nodes", True, "a whole number, without quotes"),
        ("qdrant__nodes", "3", "a whole number, without quotes"),
        ("pools__l40s__sharing", {"mode": "x"}, "exclusive, time-slicing, mps, mig"),
        ("pools__l40s__nodes_from", {}, "the key kind, which says what the other keys are"),
        ("model_store__source", 3, "a mapping of keys to values"),
        ("hosts", [], "a mapping of keys to values"),
        ("teams", "text", "a mapping of names to values"),
        ("model_store__ports", 443, "a list"),
        ("platform__storage_class", 1, "text, in quotes where YAML"),
        ("qdrant__nodes", 10**6, "less than or equal to 100"),
        ("gateway__answer_seconds", 10**9, "less than or equal to 86400"),
        ("redis__storage", "500m", "bytes, such as 512Mi, 16Gi or 2T; at least 1Gi"),
        ("redis__storage", "5", "at least 1Gi"),
        ("redis__storage", "1e30", "bytes, such as"),
        ("router__resources", {"requests": _LIMITS, "limits": _LIMITS | {"cpu": "5Gi"}}, "cores"),
        ("router__resources", {"requests": _LIMITS | {"cpu": 0}, "limits": _LIMITS}, "least 1m"),
        ("router__resources", {"requests": _LIMITS | {"memory": "0"}, "limits": _LIMITS}, "1Mi"),
        ("model_store__download_rate", "0", "bytes per second, such as 500M; at least 1M"),
        ("model_store__read_rate", "0", "bytes per second, such as 500M; at least 1M"),
        ("model_store__proxy", "http://a:99999", "a URL such as http://proxy.example.org:3128"),
        ("router__audience", "a b", "a name or a URI, without spaces"),
        ("keycloak__realm", "master", "not master, Keycloak's own realm"),
        ("keycloak__realm", "a" * 64, "at most 63 characters"),
        ("hosts__ai", "1.2.3.4", "a host name such as ai.example.org"),
        ("hosts__ai", f"{'a' * 64}.test", "a host name such as ai.example.org"),
        ("hosts__ai", "ai.test\n", "a host name such as ai.example.org"),
        ("gateway__tls_secret", "a..b", "joined by dots"),
        ("open_webui__name", "a\x07b", "one line of text"),
        ("observability__retention", "9999y", "such as 720h, 30d, 8w or 1y"),
        ("cluster__nodes", [_NODES | {"zones": ["zone a"]}], "letters, digits, hyphens, dots"),
        ("cluster__nodes", [_NODES | {"labels": {"a b": "c"}}], "optionally after a domain"),
        ("cluster__nodes", [_NODES | {"labels": {"a": "b c"}}], "letters, digits, hyphens, dots"),
        ("cluster__identifier", "a\tb", "one line of text"),
        ("models__chat__repository", "é/b", "a repository such as organization/name"),
        ("models__chat__revision", f"{'0' * 40}\n", "40 hexadecimal digits"),
        ("models__chat__sha256", {"../a": "0" * 64}, "without . and .."),
        ("models__chat__vllm", {"adapters": {"A": _FILES | {"rank": 8}}}, "lower-case letters"),
    ],
)
def test_a_value_is_refused_by_its_path(path: str, value: Any, allowed: str) -> None:
    found = problems(**{path: value})

    [problem] = [p for p in found if p.path.startswith(path.replace("__", "."))]
    assert allowed in problem.allowed
    assert problem.change


@pytest.mark.parametrize(
    ("path", "value", "problem_path", "allowed"),
    [
        (
            "platform__namespaces",
            {"gpu": "default"},
            "platform.namespaces.gpu",
            "default is the cluster's own",
        ),
        (
            "platform__namespaces",
            {"data": "kube-system"},
            "platform.namespaces.data",
            "kube-system is Kubernetes' own",
        ),
        (
            "platform__namespaces",
            {"data": "cnpg-system"},
            "platform.namespaces.data",
            "cnpg-system is CloudNativePG's",
        ),
        (
            "platform__namespaces",
            {"apps": "auth"},
            "platform.namespaces.apps",
            "a namespace of its own",
        ),
        (
            "qdrant__collections",
            {"a": {"replication_factor": 9}},
            "qdrant.collections.a.replication_factor",
            "at most 3, the members that there are (qdrant.nodes)",
        ),
        (
            "qdrant__collections",
            {"a": {"write_consistency_factor": 5}},
            "qdrant.collections.a.write_consistency_factor",
            "at most 2, the copies (replication_factor)",
        ),
        (
            "qdrant__collections",
            {"a": {"vector_size": 384}},
            "qdrant.collections.a.vector_size",
            "1024 (models.embeddings)",
        ),
        (
            "redis__storage",
            "1Gi",
            "redis.storage",
            "at least 1536Mi: twice the data",
        ),
        (
            "databases__keycloak",
            {"resources": {"requests": _SMALL, "limits": _SMALL}},
            "databases.keycloak.resources.limits.memory",
            "at least 256Mi",
        ),
        ("teams__people", {}, "teams.people", "any other name"),
        ("teams__anonymous", {}, "teams.anonymous", "any other name"),
    ],
)
def test_fields_that_do_not_go_together_are_refused(
    path: str, value: Any, problem_path: str, allowed: str
) -> None:
    [problem] = problems(**{path: value})

    assert problem.path == problem_path
    assert allowed in problem.allowed


@pytest.mark.parametrize(
    ("servers", "volumes"), [(1, 1), (1, 2), (2, 1), (3, 1), (17, 1), (17, 2), (1, 17)]
)
def test_disks_without_an_erasure_set_are_refused(servers: int, volumes: int) -> None:
    found = problems(minio={"servers": servers, "volumes_per_server": volumes})
    # So many servers need more machines as well.
    [problem] = [p for p in found if p.path != "cluster.nodes"]

    assert problem.path == "minio.volumes_per_server"
    assert problem.got == f"{servers * volumes} disks ({servers} servers x {volumes})"


@pytest.mark.parametrize("name", ["all-team-models", "arena-model"])
def test_a_model_is_not_called_as_a_set_of_models_is(name: str) -> None:
    model = STACKS["prod"]["models"]["reranker"] | {"replicas": 1}
    [problem] = problems(**{f"models__{name}": model, "models__reranker__replicas": 1})

    assert problem.path == f"models.{name}"
    assert "the router and the chat" in problem.allowed


def test_an_adapter_and_its_model_are_together_as_long_as_a_job_may_be() -> None:
    adapters = {"a" * 28: _FILES | {"rank": 8}}
    [problem] = problems(models__chat__vllm={"adapters": adapters})

    assert problem.path == f"models.chat.vllm.adapters.{'a' * 28}"
    assert (problem.got, problem.allowed[:10]) == (
        "32 characters, with the model's name",
        "at most 31",
    )


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("router__resources__requests__cpu", 1),
        ("router__resources__requests__cpu", 0.5),
        ("router__resources__requests__memory", 2**30),
        ("redis__storage", 5_000_000_000),
        ("minio__volume_size", "2T"),
        ("observability__slo", {"first_token_seconds": 5}),
        ("teams__1st", {}),
        ("cluster__context", "arn:aws:eks:eu-west-3:1:cluster/a"),
        ("cluster__nodes__0__labels", {"nvidia.com/mig.config": "", "a": "1"}),
    ],
)
def test_numbers_are_taken_where_kubernetes_takes_them_and_names_of_others_as_they_are(
    path: str, value: Any
) -> None:
    raw = copy.deepcopy(STACKS["prod"])
    raw["router"] = {
        "resources": {
            "requests": {"cpu": 1, "memory": "1Gi"},
            "limits": {"cpu": 2, "memory": "4Gi"},
        }
    }
    *parents, last = path.split("__")
    node: Any = raw
    for key in parents:
        node = node[int(key)] if isinstance(node, list) else node.setdefault(key, {})
    node[last] = value

    load(raw, "prod")
