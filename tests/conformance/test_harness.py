"""What keeps the tests of this folder honest."""

import json
from pathlib import Path

import pytest

from tests.conformance.generated import Generated
from tests.conformance.peers import cache, keycloak
from tests.conformance.peers.certificates import Certificates
from tests.conformance.peers.errors import PeerFailedError, PeerUnavailableError
from tests.conformance.peers.process import running
from tests.conformance.peers.relocate import relocated


def test_a_program_is_installed_once_and_again_after_an_interruption(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAI_CACHE", str(folder))
    monkeypatch.setattr(cache, "say", lambda _: None)
    installs: list[bool] = []

    def install(target: Path) -> None:
        installs.append((target / "half").exists())
        (target / "half").touch()
        if len(installs) == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cache.installed("program", "1", "nothing", install)
    for _ in range(2):
        cache.installed("program", "1", "nothing", install)

    assert installs == [False, False]


def test_a_program_that_cannot_be_had_fails_with_the_command_that_mends_it() -> None:
    with pytest.raises(PeerUnavailableError, match=r"change: +install apt"):
        cache.call("X", ["no-such-client"], "install apt")
    with pytest.raises(PeerUnavailableError, match=r"answer: +not served"):
        cache.call("X", ["sh", "-c", "echo not served >&2; exit 1"], "install apt")


def test_a_program_that_ends_early_is_reported_with_its_log(folder: Path) -> None:
    with (
        pytest.raises(PeerFailedError, match=r"exit code 3[\s\S]*bad option"),
        running(
            ["sh", "-c", "echo bad option; exit 3"], folder=folder, ready=lambda: False, seconds=30
        ),
    ):
        pass


def test_a_program_and_its_children_end_with_the_block(folder: Path) -> None:
    named = folder / "child"

    def is_asleep() -> bool:
        """Whether the child has become what its parent's shell has forked it for."""
        number = named.read_text().strip() if named.exists() else ""
        return bool(number) and b"sleep" in Path("/proc", number, "cmdline").read_bytes()

    with running(
        ["sh", "-c", "sleep 600 & echo $! > child; wait"],
        folder=folder,
        ready=is_asleep,
        seconds=30,
    ) as process:
        child = Path("/proc", named.read_text().strip())
        assert child.exists()
        assert "sleep\n600" in process.exposed()

    assert not child.exists() or "Z" in (child / "stat").read_text().split()[2]


def test_configuration_is_moved_in_depth_and_a_move_without_use_is_refused() -> None:
    config = {"urls": ["https://vllm.models.svc:8000/v1"], "count": 1}

    assert relocated(config, {"vllm.models.svc:8000": "localhost:1"}) == {
        "urls": ["https://localhost:1/v1"],
        "count": 1,
    }
    with pytest.raises(ValueError, match="qdrant"):
        relocated(config, {"qdrant.data.svc": "localhost"})


def test_of_two_moves_the_longer_one_is_made_and_its_result_is_left_alone() -> None:
    moves = {"/etc": "/here/etc", "/etc/tls": "/here/etc/tls"}

    assert relocated(["/etc/tls/ca.crt", "/etc/x"], moves) == [
        "/here/etc/tls/ca.crt",
        "/here/etc/x",
    ]


def test_an_option_that_a_test_moves_must_be_in_the_configuration(
    prod: Generated, certificates: Certificates
) -> None:
    conf = prod.secret("keycloak-config")["keycloak.conf"]

    assert keycloak.here(conf, certificates, 5432)["db-url-port"] == "5432"
    with pytest.raises(ValueError, match="https-port"):
        keycloak.here(conf.replace("https-port=8443\n", ""), certificates, 5432)


def test_no_two_generated_secrets_are_alike(prod: Generated) -> None:
    passwords = [
        name
        for (kind, name) in prod.resources
        if kind == "random:index/randomPassword:RandomPassword"
    ]
    texts = {
        json.dumps(prod.secret(name)["api-key"])
        for name in ("team-direction-api-key", "team-developers-api-key", "team-open-webui-api-key")
    }

    assert len(passwords) > 20
    assert len(texts) == 3
