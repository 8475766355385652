"""LeaderWorkerSet: groups of pods that start, restart and stop together."""

import base64
from typing import Any, Final

import yaml

from sim.api import Object
from sim.command_lines import Layout
from sim.controllers.controller import Controller, Plan, Program
from sim.controllers.patches import patched
from sim.pki import CONTROLLERS
from sim.ports import LOOPBACK, free_port
from sim.toolchain import Modules

_API = "/apis/admissionregistration.k8s.io/v1"
_NAMES: Final = {
    kind: f"{_API}/{kind}webhookconfigurations/lws-{kind}-webhook-configuration"
    for kind in ("mutating", "validating")
}


def _plan(layout: Layout, modules: Modules) -> Plan:
    webhook, health = free_port(), free_port()
    settings = layout.home / "lws.yaml"
    settings.write_text(yaml.safe_dump(_settings(layout, webhook, health)))
    lws = Program(
        name="lws",
        arguments=[f"--config={settings}", f"--kubeconfig={layout.kubeconfig}"],
        ready=f"http://{LOOPBACK}:{health}/readyz",
        environment={},
    )
    folder = modules.module_dir("leader-worker-set") / "config/webhook"
    manifests = yaml.safe_load_all((folder / "manifests.yaml").read_text())
    objects: list[tuple[str, Object]] = []
    for kind, content in zip(_NAMES, manifests, strict=True):
        patches = yaml.safe_load((folder / f"{kind}-patch.yaml").read_text())
        objects.append((_NAMES[kind], _reachable(patched(content, patches), kind, layout, webhook)))
    return Plan([lws], objects, answers=[])


def _settings(layout: Layout, webhook: int, health: int) -> Object:
    return {
        "apiVersion": "config.lws.x-k8s.io/v1alpha1",
        "kind": "Configuration",
        "webhook": {
            "host": LOOPBACK,
            "port": webhook,
            "certDir": str(layout.tls / CONTROLLERS),
        },
        "health": {"healthProbeBindAddress": f"{LOOPBACK}:{health}"},
        "metrics": {"bindAddress": "0"},  # disables it in controller-runtime
        "leaderElection": {"leaderElect": False},
        "internalCertManagement": {"enable": False},  # the cluster's CA signs
    }


def _reachable(content: Object, kind: str, layout: Layout, port: int) -> Object:
    """The webhook configuration *content*, pointed at this machine instead of a Service."""
    content["metadata"]["name"] = _NAMES[kind].rpartition("/")[2]
    authority = base64.b64encode((layout.tls / "ca.crt").read_bytes()).decode()
    for webhook in content["webhooks"]:
        path: Any = webhook["clientConfig"]["service"]["path"]
        url = f"https://{LOOPBACK}:{port}{path}"
        webhook["clientConfig"] = {"url": url, "caBundle": authority}
    return content


LWS: Final = Controller(programs=("lws",), plan=_plan, hooks=tuple(_NAMES.values()))
