"""The gateway's declarative configuration keeps to Kong's schema as `peers/kong.py` states it."""

import copy
import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tests.conformance.generated import STACKS, Generated
from tests.conformance.peers import kong


@pytest.fixture
def configuration(prod: Generated) -> dict[str, Any]:
    return json.loads(prod.secret("kong")["kong.json"])


@pytest.mark.parametrize("stack", STACKS)
def test_the_configuration_of_slow_keeps_to_the_schema(
    stacks: Mapping[str, Generated], stack: str
) -> None:
    configuration = json.loads(stacks[stack].secret("kong")["kong.json"])

    assert len(configuration["services"]) == 4
    assert kong.problems(configuration) == []


def test_the_key_that_it_compares_is_the_one_that_the_router_knows(
    configuration: dict[str, Any], prod: Generated
) -> None:
    compared = {
        entry["key"]
        for consumer in configuration["consumers"]
        for entry in consumer.get("keyauth_credentials", [])
    }
    given = [prod.secret(f"team-{team}-api-key")["api-key"] for team in prod.stack.teams]

    assert compared == {f"Bearer {key}" for key in given}


def _limit(c: dict[str, Any]) -> dict[str, Any]:
    return c["consumers"][0]["plugins"][0]["config"]


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (lambda c: c["services"][0].update(timeout=1), "services[0].timeout: unknown field"),
        (lambda c: c["services"][0].update(read_timeout="1s"), "read_timeout: '1s' must be"),
        (lambda c: c["services"][0].update(url="http://x"), "tls_verify is for https alone"),
        (lambda c: c["ca_certificates"][0].update(cert="x"), "one CA certificate in PEM"),
        (lambda c: c["ca_certificates"].clear(), "names the unknown ca_certificate"),
        (lambda c: c["services"][0]["routes"][0].update(paths=["v1"]), "paths[0]: 'v1' must be"),
        (lambda c: c["services"][0]["routes"][0].update(name=" "), "routes[0].name"),
        (lambda c: c["services"][0]["routes"][0].update(strip_path=1), "must be of type bool"),
        (lambda c: c["services"][0]["routes"][0].pop("protocols"), "required field missing"),
        (lambda c: c["services"][1].update(name=c["services"][0]["name"]), "two of the service"),
        (lambda c: _limit(c).pop("minute"), "at least one of"),
        (lambda c: _limit(c).update(redis_host="x"), "redis_host: unknown field"),
        (lambda c: _limit(c)["redis"].pop("port"), "redis.port: required field missing"),
        (lambda c: _limit(c)["redis"].update(server_name="192.0.2.1"), "redis.server_name"),
        (lambda c: c["plugins"][0].update(name="openid-connect"), "'openid-connect' must be"),
        (lambda c: c["consumers"].pop(), "names the unknown consumer"),
        (
            lambda c: c["consumers"][-1]["plugins"][0]["config"].update(message="no"),
            "message cannot be used",
        ),
        (
            lambda c: c["consumers"][-2]["jwt_secrets"][0].update(rsa_public_key="x"),
            "a public key in PEM",
        ),
        (
            lambda c: c["consumers"][-2]["jwt_secrets"][0].pop("rsa_public_key"),
            "rsa_public_key is required",
        ),
    ],
)
def test_what_kong_would_refuse_is_found(
    configuration: dict[str, Any], spoil: Callable[[dict[str, Any]], object], problem: str
) -> None:
    spoilt = copy.deepcopy(configuration)
    spoil(spoilt)

    assert problem in "\n".join(kong.problems(spoilt))
