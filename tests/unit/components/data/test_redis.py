"""What a Redis asks of the cluster."""

import json

import pytest

from components.data.redis import Redis, RedisArgs, redis_conf
from config.settings.data import RedisSettings
from tests.support import Recorded, deploy, tier


@pytest.fixture(scope="module")
def asked() -> Recorded:
    def program() -> None:
        Redis("redis", RedisArgs(tier=tier("llm-data")))

    return deploy(program)


def test_it_listens_on_tls_alone() -> None:
    lines = redis_conf(RedisSettings(), "secret").splitlines()

    assert "port 0" in lines
    assert "tls-port 6379" in lines


def test_its_data_stays_below_its_memory_limit() -> None:
    lines = redis_conf(RedisSettings(max_memory_percent=50), "secret").splitlines()

    assert f"maxmemory {2**29}" in lines


def test_its_password_is_a_file_of_a_secret_and_in_no_pod(asked: Recorded) -> None:
    secret = asked.one("kubernetes:core/v1:Secret", "redis")
    pod = asked.one("kubernetes:apps/v1:StatefulSet", "redis").inputs["spec"]["template"]

    assert "requirepass canary-password" in secret.inputs["stringData"]["redis.conf"]
    assert "stringData" in secret.secrets
    assert "canary" not in json.dumps(pod)


def test_nobody_may_connect_unless_admitted(asked: Recorded) -> None:
    assert asked.of("kubernetes:networking.k8s.io/v1:NetworkPolicy") == []
