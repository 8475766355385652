"""KEDA: scales by Prometheus queries, through HorizontalPodAutoscalers."""

import base64
from typing import Final

import yaml

from sim.api import Object
from sim.command_lines import Layout
from sim.controllers.controller import Controller, Plan, Program
from sim.pki import CONTROLLERS
from sim.ports import LOOPBACK, free_port
from sim.toolchain import Modules

_NAMESPACE = "keda"
_PROMETHEUS = "keda-prometheus"
_SERVICE = "keda-metrics-apiserver"
_GROUP = "external.metrics.k8s.io"
_API_SERVICE = f"/apis/apiregistration.k8s.io/v1/apiservices/v1beta1.{_GROUP}"
_ENVIRONMENT: Final = {
    "WATCH_NAMESPACE": "",  # all
    "POD_NAMESPACE": _NAMESPACE,
    "KEDA_CLUSTER_OBJECT_NAMESPACE": _NAMESPACE,
}


def _plan(layout: Layout, modules: Modules) -> Plan:
    grpc, health, metrics, secure, proxy = (free_port() for _ in range(5))
    certificates = layout.tls / CONTROLLERS
    prometheus = Program(
        name=_PROMETHEUS,
        module="sim.controllers.prometheus",
        arguments=[layout.server, str(layout.tls), str(proxy)],
        ready=f"http://{LOOPBACK}:{proxy}/",
        environment={},
    )
    operator = Program(
        name="keda",
        arguments=[
            f"--kubeconfig={layout.kubeconfig}",
            f"--cert-dir={certificates}",
            "--enable-cert-rotation=false",  # the cluster's CA signs
            "--enable-prometheus-metrics=false",
            f"--health-probe-bind-address={LOOPBACK}:{health}",
            f"--metrics-service-bind-address={LOOPBACK}:{grpc}",
            "--leader-elect=false",
            "--kube-api-qps=500",
            "--kube-api-burst=1000",
        ],
        ready=f"http://{LOOPBACK}:{health}/readyz",
        # Go's HTTP client never uses a proxy for loopback addresses, such as the API server's.
        environment={**_ENVIRONMENT, **_through(f"http://{LOOPBACK}:{proxy}")},
    )
    adapter = Program(
        name="keda-adapter",
        arguments=[
            f"--authentication-kubeconfig={layout.kubeconfig}",
            f"--authorization-kubeconfig={layout.kubeconfig}",
            f"--lister-kubeconfig={layout.kubeconfig}",
            f"--bind-address={LOOPBACK}",
            f"--secure-port={secure}",
            f"--port={metrics}",
            f"--cert-dir={certificates}",
            f"--tls-cert-file={certificates / 'tls.crt'}",
            f"--tls-private-key-file={certificates / 'tls.key'}",
            f"--metrics-service-address={LOOPBACK}:{grpc}",
        ],
        ready=f"https://{LOOPBACK}:{secure}/readyz",
        environment={**_ENVIRONMENT, "KUBECONFIG": str(layout.kubeconfig)},
    )
    programs = [prometheus, operator, adapter]
    return Plan(programs, _objects(layout, modules, secure), [f"/apis/{_GROUP}/v1beta1"])


def _through(proxy: str) -> dict[str, str]:
    """The variables that make Go's HTTP clients use *proxy*, overriding the shell's."""
    return {
        **dict.fromkeys(("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"), proxy),
        **dict.fromkeys(("NO_PROXY", "no_proxy"), ""),
    }


def _objects(layout: Layout, modules: Modules, port: int) -> list[tuple[str, Object]]:
    """The registration of the adapter: its own manifest, with a Service of type ExternalName.

    Endpoints must not have a loopback address, but a name may resolve to one.
    """
    manifest = modules.module_dir("keda") / "config/metrics-server/api_service.yaml"
    extension = yaml.safe_load(manifest.read_text())
    extension["spec"]["service"]["port"] = port
    authority = (layout.tls / "ca.crt").read_bytes()
    extension["spec"]["caBundle"] = base64.b64encode(authority).decode()
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": _SERVICE, "namespace": _NAMESPACE},
        "spec": {"type": "ExternalName", "externalName": "localhost", "ports": [{"port": port}]},
    }
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": _NAMESPACE}}
    at = f"/api/v1/namespaces/{_NAMESPACE}"
    return [(at, namespace), (f"{at}/services/{_SERVICE}", service), (_API_SERVICE, extension)]


KEDA: Final = Controller(
    programs=(_PROMETHEUS, "keda", "keda-adapter"), plan=_plan, hooks=(_API_SERVICE,)
)
