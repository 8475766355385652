"""A real Redis starts from prod's file alone: over TLS, and to nobody without the password."""

import json
import shlex
import socket
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from base.quantity import parse
from sim.ports import LOOPBACK
from tests.conformance.generated import Generated
from tests.conformance.peers import redis
from tests.conformance.peers.certificates import Certificates
from tests.conformance.peers.redis import Redis


@pytest.fixture(scope="module")
def passwords(prod: Generated) -> dict[str, str]:
    """What each consumer was given, by consumer."""
    config = json.loads(prod.secret("router")["config.yaml"])
    gateway = json.loads(prod.secret("kong")["kong.json"])
    limit = next(p for p in gateway["consumers"][0]["plugins"] if p["name"] == "rate-limiting")
    lines = map(shlex.split, prod.secret("open-webui")["env"].splitlines())
    environment = dict(word.split("=", 1) for [word] in lines)
    return {
        "router": config["general_settings"]["coordination_redis"]["password"],
        "gateway": limit["config"]["redis"]["password"],
        "open-webui": urlsplit(environment["REDIS_URL"]).password or "",
        "open-webui's sockets": urlsplit(environment["WEBSOCKET_REDIS_URL"]).password or "",
    }


def test_the_password_of_every_consumer_opens_it(
    counters: Redis, passwords: dict[str, str]
) -> None:
    answers = {who: counters.ask(f"AUTH {word}", "PING") for who, word in passwords.items()}

    assert answers == {who: ["+OK", "+PONG"] for who in passwords}


def test_without_the_password_it_answers_nothing(counters: Redis) -> None:
    assert counters.ask("DBSIZE")[0].startswith("-NOAUTH")
    assert counters.ask("AUTH wrong")[0].startswith("-WRONGPASS")


def test_it_does_not_speak_without_tls(counters: Redis, passwords: dict[str, str]) -> None:
    with socket.create_connection((LOOPBACK, counters.port), timeout=5) as plain:
        plain.sendall(b"PING\r\n")
        try:
            answer = plain.recv(100)
        except ConnectionResetError:
            answer = b""

    assert b"PONG" not in answer
    assert b"NOAUTH" not in answer
    assert counters.ask(f"AUTH {passwords['router']}", "CONFIG GET port")[1] == "port 0"


def test_memory_is_bounded_below_the_containers_limit(
    counters: Redis, passwords: dict[str, str], prod: Generated
) -> None:
    answers = counters.ask(f"AUTH {passwords['router']}", "CONFIG GET maxmemory")

    assert 0 < int(answers[1].split()[1]) < parse(prod.stack.redis.resources.limits.memory)


def test_counters_outlive_a_restart(
    prod: Generated, folder: Path, certificates: Certificates, passwords: dict[str, str]
) -> None:
    conf, login = prod.secret("redis")["redis.conf"], f"AUTH {passwords['router']}"
    with redis.start(folder, conf, certificates) as server:
        assert server.ask(login, "INCRBY tokens 7") == ["+OK", ":7"]
    with redis.start(folder, conf, certificates) as server:
        assert server.ask(login, "GET tokens") == ["+OK", "7"]


def test_its_password_shows_in_no_log_and_is_in_no_argument_or_variable(
    counters: Redis, passwords: dict[str, str], prod: Generated
) -> None:
    # It overwrites what others see of its arguments and environment: the container's are asked.
    visible = counters.running.output() + json.dumps(prod.container("redis", "StatefulSet"))

    assert "Ready to accept connections" in visible
    assert passwords["router"] not in visible
