"""What is generated for KEDA, taken by the real one: it finds Prometheus, believes it, and scales.

Real: the API server, KEDA, its metrics API, the HorizontalPodAutoscaler. Simulated: nodes and pods.
In Prometheus's place is a server with a certificate of a private authority, as ours has, which
knows the two queries alone; its address is the one thing that differs from what is generated.
"""

import json
import ssl
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from rich.console import Console

from components.models.vllm.autoscaler import RUNNING, WAITING, query
from config.settings.cluster import ClusterConfig, NodeGroup, StorageClassConfig
from sim.api import Api, Object
from sim.control_plane import SimCluster
from tests.conformance.peers.certificates import Certificates
from tests.engine.sim_support import eventually, got, is_ready, new_namespace, once
from tests.unit.components.models.vllm.vllm_asked import AUTHENTICATION, SCALED, ask
from toolchain import build

EXPECTS = ClusterConfig(
    context="autoscaling",
    identifier="autoscaling",
    nodes=[NodeGroup(profile="8xh100-80gb", count=1, pool="h200")],
    storage_classes=[StorageClassConfig(name="fast", default=True)],
    operators=["keda"],
)
NAMESPACE = "llm-production"
KEDA = f"/apis/keda.sh/v1alpha1/namespaces/{NAMESPACE}"
DEPLOYMENTS = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments"


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    home = tmp_path_factory.mktemp("autoscaling") / "cluster"
    toolchain = build.ensure("cluster", Console(stderr=True), EXPECTS.operators)
    with SimCluster.start(EXPECTS, home, toolchain) as running:
        api = running.api()
        new_namespace(api, NAMESPACE)
        yield api


@contextmanager
def prometheus(certificates: Certificates, values: dict[str, float]) -> Generator[str]:
    """The URL of a Prometheus that knows *values* by query, and has no series for any other."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            [asked] = parse_qs(urlsplit(self.path).query)["query"]
            result = [{"metric": {}, "value": [0, str(values[asked])]}] if asked in values else []
            answer = {"status": "success", "data": {"resultType": "vector", "result": result}}
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - theirs
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificates.certificate, certificates.key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"https://localhost:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def deploy(api: Api, url: str, certificates: Certificates) -> str:
    """The generated objects, asking the Prometheus at *url*; the path of what is scaled."""
    asked = ask(autoscaling={"min": 1, "max": 5, "stabilization_seconds": 0})
    authentication, scaled = asked.of(AUTHENTICATION)[0].inputs, asked.of(SCALED)[0].inputs
    name = scaled["spec"]["scaleTargetRef"]["name"]
    api.create(
        f"/api/v1/namespaces/{NAMESPACE}/secrets",
        {
            "metadata": {"name": authentication["spec"]["secretTargetRef"][0]["name"]},
            "stringData": {
                file: (certificates.folder / file).read_text()
                for file in ("tls.crt", "tls.key", "ca.crt")
            },
        },
    )
    labels = {"app": name}
    template: Object = {
        "metadata": {"labels": labels},
        "spec": {"containers": [{"name": "server", "image": "server"}]},
    }
    api.create(
        DEPLOYMENTS,
        {
            "metadata": {"name": name},
            "spec": {"selector": {"matchLabels": labels}, "template": template},
        },
    )
    for trigger in scaled["spec"]["triggers"]:
        trigger["metadata"]["serverAddress"] = url
    api.create(f"{KEDA}/triggerauthentications", authentication)
    api.create(f"{KEDA}/scaledobjects", scaled | {"metadata": {"name": "chat"}})
    return f"{DEPLOYMENTS}/{name}"


def test_keda_asks_our_prometheus_over_tls_and_gives_each_server_its_share(
    api: Api, tmp_path: Path
) -> None:
    certificates = Certificates.issue(tmp_path)
    # 3 wait, one for each server; 40 run, 16 for each: the larger of 3 and 3 servers
    values = {query(WAITING, "chat"): 3.0, query(RUNNING, "chat"): 40.0}
    with prometheus(certificates, values) as url:
        target = deploy(api, url, certificates)
        once(api, target, lambda found: found["spec"]["replicas"] == 3)

        once(api, f"{KEDA}/scaledobjects/chat", is_ready)
        # Prometheus is there and has lost its targets: nobody is taken away.
        values.clear()
        eventually(lambda: falls_back(got(api, f"{KEDA}/scaledobjects/chat")), seconds=240)
        assert got(api, target)["spec"]["replicas"] == 3


def falls_back(scaled: Object) -> bool:
    """Whether KEDA has given up on Prometheus for now."""
    conditions = scaled["status"]["conditions"]
    return any(c["type"] == "Fallback" and c["status"] == "True" for c in conditions)
