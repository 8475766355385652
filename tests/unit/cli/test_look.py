"""`pai status`, `open`, `secret`, `logs`: what is deployed, from the state and the API server."""

import base64
import json
import webbrowser
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner, Result

import cli.deployed
from cli.main import app

CANARY = "c4n4ry-of-the-secret"
URLS = {"chat": "https://ai.example", "dashboards": "https://monitoring.example"}
UNPLACED = "0/3 nodes are available: 3 Insufficient nvidia.com/gpu."


def urn(name: str, kind: str) -> str:
    return f"urn:pulumi:local::private-ai::{kind}::{name}"


def part(name: str, kind: str) -> dict[str, Any]:
    return {"urn": urn(name, f"private-ai:index:{kind}"), "type": f"private-ai:index:{kind}"}


def thing(name: str, namespace: str, kind: str = "kubernetes:core/v1:Secret") -> dict[str, Any]:
    outputs = {"metadata": {"name": f"{name}-123", "namespace": namespace}}
    return {"urn": urn(name, kind), "type": kind, "outputs": outputs}


RESOURCES = [
    {
        "urn": urn("private-ai-local", "pulumi:pulumi:Stack"),
        "type": "pulumi:pulumi:Stack",
        "outputs": {
            "urls": URLS,
            "address": "192.0.2.7",
            "administrator": "auth/keycloak-admin-123",
            "grafana_administrator": "monitoring/grafana-123",
            "team_keys": {"everyone": "team-everyone-api-key-123"},
        },
    },
    part("platform", "Platform"),
    part("chat", "VllmService"),
    part("chat-weights", "ModelStore"),
    part("db", "Postgres"),
    thing("team-everyone-api-key", "models"),
    thing("keycloak-admin", "auth"),
]


def pod(name: str, ready: bool, labels: Mapping[str, str] | None = None, **status: Any) -> Any:
    conditions = [{"type": "Ready", "status": str(ready)}, *status.pop("conditions", [])]
    return {
        "metadata": {"name": name, "namespace": "models", "labels": dict(labels or {})},
        "spec": {"containers": [{"name": "server"}]},
        "status": {"phase": "Running", "conditions": conditions, **status},
    }


INSTANCE = {"app.kubernetes.io/instance": "chat"}
PODS = [
    pod("chat-1", True, INSTANCE),
    pod(
        "chat-2",
        False,
        INSTANCE,
        phase="Pending",
        conditions=[
            {
                "type": "PodScheduled",
                "status": "False",
                "reason": "Unschedulable",
                "message": UNPLACED,
            }
        ],
    ),
    pod(
        "chat-3",
        False,
        INSTANCE,
        containerStatuses=[
            {"name": "server", "ready": False, "state": {"waiting": {"reason": "ImagePullBackOff"}}}
        ],
    ),
    pod("db-1", True),  # made by an operator
    pod("chat-weights-x", False, phase="Succeeded"),
    pod("somebody-elses", False),
]
LOGS = {"chat-1": b"ready\nserving\n", "chat-2": None, "chat-3": None}


class Api(BaseHTTPRequestHandler):
    """An API server that has the pods and Secrets of the stack."""

    def do_GET(self) -> None:
        """Answer what is asked for, and 404 to anything else."""
        path = self.path.partition("?")[0]
        if path.endswith("/pods"):
            self._answer({"items": PODS if "/models/" in path else []})
        elif "/log" in path and (text := LOGS.get(path.split("/")[-2])) is not None:
            self._answer(text)
        elif path.endswith("/secrets/team-everyone-api-key-123"):
            self._answer({"data": {"api-key": base64.b64encode(CANARY.encode()).decode()}})
        else:
            self.send_error(404)

    def _answer(self, content: Any) -> None:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - of the base
        """Nothing."""


@pytest.fixture
def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A shell that is set up for a real cluster, on which the stack `local` is deployed."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Api)
    Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    kubeconfig = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "local", "cluster": {"server": url}}],
        "users": [{"name": "local", "user": {}}],
        "contexts": [{"name": "local", "context": {"cluster": "local", "user": "local"}}],
    }
    file = tmp_path / "kubeconfig"
    file.write_text(yaml.safe_dump(kubeconfig))
    monkeypatch.setenv("KUBECONFIG", str(file))
    monkeypatch.setenv("PULUMI_BACKEND_URL", "s3://states")
    monkeypatch.setenv("PAI_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(cli.deployed, "_exported", lambda _: RESOURCES)
    monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(file))
    yield
    server.shutdown()
    server.server_close()


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine on which nothing runs."""
    monkeypatch.setenv("PAI_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("PULUMI_BACKEND_URL", raising=False)


def pai(*words: str) -> Result:
    return CliRunner().invoke(app, words, prog_name="pai", env={"COLUMNS": "120"})


@pytest.mark.usefixtures("api")
def test_status_counts_pods_by_part_and_says_why_others_are_not_ready() -> None:
    [found] = json.loads(pai("status", "-s", "local", "--json").stdout)

    assert (found["cluster"], found["state"], found["context"]) == ("real", "deployed", "local")
    assert found["parts"] == [
        {
            "name": "chat",
            "kind": "VllmService",
            "pods": 3,
            "ready": 1,
            "reasons": [f"Unschedulable: {UNPLACED}", "server: ImagePullBackOff"],
        },
        {"name": "db", "kind": "Postgres", "pods": 1, "ready": 1, "reasons": []},
    ]
    assert found["next"] == ["pai logs chat --stack local", "pai review --stack local"]


@pytest.mark.usefixtures("api")
def test_status_for_a_person_has_the_parts_that_wait_and_the_next_command() -> None:
    text = pai("status", "--stack", "local").stdout

    assert "1 of 2 parts ready" in text
    assert "chat (VllmService): 1 of 3 pods ready" in text
    assert UNPLACED in text
    assert "https://ai.example" in text
    assert "Next: pai logs chat --stack local" in text


@pytest.mark.usefixtures("api")
def test_status_of_a_shell_for_a_real_cluster_asks_for_the_stack() -> None:
    for words in (["status"], []):
        done = pai(*words)
        assert done.exit_code == 2
        assert "unset PULUMI_BACKEND_URL to see the simulated ones" in done.stderr


@pytest.mark.usefixtures("api")
def test_a_cluster_that_does_not_answer_is_an_error_in_words(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    monkeypatch.setattr(
        "kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(tmp_path / "none")
    )
    done = pai("status", "--stack", "local")

    assert done.exit_code == 1
    assert done.stderr.startswith("cluster.context local\n    got:      ")


@pytest.mark.usefixtures("nowhere")
def test_alone_pai_says_what_could_be_started() -> None:
    done = pai()

    assert done.exit_code == 0
    assert "local  simulated cluster: stopped" in done.stdout
    assert "Next: pai up" in done.stdout
    assert pai("status").stdout == done.stdout
    states = {each["stack"]: each["state"] for each in json.loads(pai("status", "--json").stdout)}
    assert set(states.values()) == {"stopped"}
    assert {"local", "prod"} <= set(states)


@pytest.mark.usefixtures("nowhere")
@pytest.mark.parametrize("words", [["open", "chat"], ["secret", "everyone"], ["logs", "chat"]])
def test_what_is_not_deployed_is_said_with_the_command_that_deploys_it(words: list[str]) -> None:
    done = pai(*words)

    assert done.exit_code == 1
    assert "local, which is not deployed" in done.stderr
    assert "`pai up --stack local`" in done.stderr


@pytest.mark.usefixtures("api")
def test_a_secret_is_not_even_read_unless_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli.deployed, "reading", None)  # nothing is read
    done = pai("secret", "everyone")

    assert done.stdout == "Secret models/team-everyone-api-key-123, api-key\n"
    assert "pai secret everyone --stack local --show" in done.stderr
    assert json.loads(pai("secret", "--json").stdout)["administrator"] == {
        "namespace": "auth",
        "secret": "keycloak-admin-123",
        "keys": ["username", "password"],
    }


@pytest.mark.usefixtures("api")
def test_a_secret_goes_to_standard_output_alone(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    done = pai("secret", "everyone", "--show")

    assert (done.exit_code, done.stdout, done.stderr) == (0, f"{CANARY}\n", "")
    assert CANARY not in caplog.text
    found = json.loads(pai("secret", "everyone", "--show", "--json").stdout)
    assert found["everyone"]["values"] == {"api-key": CANARY}


@pytest.mark.parametrize(
    ("words", "code", "got"),
    [
        (["secret", "nobody"], 2, "nobody"),
        (["secret", "--show"], 2, "nothing, with --show"),
        (["secret", "grafana", "--show"], 1, "no such Secret"),
        (["open", "nothing"], 2, "nothing"),
        (["logs", "nothing"], 2, "nothing"),
        (["logs", "platform"], 1, "no pods"),
    ],
)
@pytest.mark.usefixtures("api")
def test_a_wrong_name_is_told_with_the_right_ones(words: list[str], code: int, got: str) -> None:
    done = pai(*words)

    assert done.exit_code == code
    assert got in done.stderr
    assert CANARY not in done.output


@pytest.mark.usefixtures("api")
def test_a_page_is_opened_where_there_is_a_screen_and_always_printed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    for variable in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(variable, raising=False)

    alone = pai("open", "chat")
    assert (alone.stdout, opened) == ("https://ai.example\n", [])
    assert "must lead to 192.0.2.7" in alone.stderr
    assert "pai secret administrator --stack local --show" in alone.stderr

    monkeypatch.setenv("DISPLAY", ":0")
    assert pai("open", "grafana").stdout == "https://monitoring.example\n"
    assert opened == ["https://monitoring.example"]
    assert pai("open").stdout.split() == [word for pair in URLS.items() for word in pair]
    assert json.loads(pai("open", "--json").stdout)["urls"] == URLS


@pytest.mark.parametrize("follow", [[], ["--follow"]])
@pytest.mark.usefixtures("api")
def test_logs_come_line_by_line_after_their_pod(follow: list[str]) -> None:
    done = pai("logs", "chat", *follow)

    assert done.exit_code == 0  # of the pods that have any
    assert done.stdout == "chat-1 server: ready\nchat-1 server: serving\n"


@pytest.mark.usefixtures("api")
def test_no_logs_at_all_are_an_error_for_each_container(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(LOGS, "chat-1", None)
    done = pai("logs", "chat")

    assert done.exit_code == 1
    assert done.stderr.count("logs of models/chat-") == 3
    assert "Not Found" in done.stderr
