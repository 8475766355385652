"""As many servers as requests need: KEDA's ScaledObject over two queries of Prometheus.

https://keda.sh/docs/2.18/scalers/prometheus/; the types of v2.18.0 accept what is made here
(tests/engine/test_vllm_resources.py).
"""

from typing import Any

import pulumi_kubernetes as k8s
from pulumi import Output, ResourceOptions

from components.common import network
from components.common.args import Args, Late
from components.common.component import Component
from components.common.contracts import Upstream
from components.common.network import Pods
from components.common.pki import AUTHORITY, CERTIFICATE, PRIVATE_KEY
from components.common.tier import Tier
from config.settings.autoscaling import LONGEST_STABILIZATION_SECONDS, AutoscalingSettings

_API_VERSION = "keda.sh/v1alpha1"
_OPERATOR_NAMESPACE = "keda"
"""Where KEDA's own instructions install it."""
_POLLING_SECONDS = 15
_FAILURES = 3
"""Readings in a row that may fail before the number of servers is held."""

_LONGEST_PACE_SECONDS = 1800
"""Kubernetes' own limit of periodSeconds (pkg/apis/autoscaling/validation)."""

WAITING = "vllm:num_requests_waiting"
RUNNING = "vllm:num_requests_running"


class AutoscalerArgs(Args):
    """What counts the servers of one model."""

    tier: Tier
    settings: AutoscalingSettings
    start_seconds: int
    """From the start of a server to its first answer."""
    api_version: str
    """Of what is scaled: anything with the subresource `scale`."""
    kind_of_target: str
    target: Output[str]
    """Its name."""
    component: str
    """The label `component` of the servers' series."""
    prometheus: Upstream


class Autoscaler(Component):
    """One ScaledObject; KEDA makes the only HorizontalPodAutoscaler of its target."""

    kind = "keda"
    port = 0  # nobody connects to it: KEDA's operator runs elsewhere

    def __init__(
        self, name: str, args: AutoscalerArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__(name, args.tier, opts)
        operator = Pods(name, _OPERATOR_NAMESPACE, {"app": "keda-operator"})
        network.admit(self, args.prometheus.server, operator, args.prometheus.port)
        # Our Prometheus asks nobody for a certificate, but KEDA's scaler reads an authority of
        # one's own only together with one (pkg/scalers/authentication: Config.Validate).
        authentication = k8s.apiextensions.CustomResource(
            name,
            api_version=_API_VERSION,
            kind="TriggerAuthentication",
            metadata=self.metadata(name),  # the ScaledObject names it
            spec=trigger_authentication(self.certificate_secret(name)),
            opts=self.child,
        )
        scaled = k8s.apiextensions.CustomResource(
            name,
            api_version=_API_VERSION,
            kind="ScaledObject",
            metadata={
                **self.metadata(),
                "annotations": {"pulumi.com/waitFor": "condition=Ready"},
            },
            spec=scaled_object(
                args.settings,
                start_seconds=args.start_seconds,
                target={
                    "apiVersion": args.api_version,
                    "kind": args.kind_of_target,
                    "name": args.target,
                },
                prometheus=args.prometheus.url,
                authentication=Output.all(authentication.id, name).apply(lambda both: str(both[1])),
                component=args.component,
            ),
            opts=self.child,
        )
        self.register_outputs({"scaled_object": scaled.id})


def trigger_authentication(secret: Output[str]) -> dict[str, Any]:
    """The `spec` of a TriggerAuthentication from a certificate's Secret."""
    files = {"ca": AUTHORITY, "cert": CERTIFICATE, "key": PRIVATE_KEY}
    return {
        "secretTargetRef": [
            {"parameter": parameter, "name": secret, "key": key} for parameter, key in files.items()
        ]
    }


def scaled_object(
    settings: AutoscalingSettings,
    *,
    start_seconds: int,
    target: dict[str, Late[str]],
    prometheus: Late[str],
    authentication: Late[str],
    component: str,
) -> dict[str, Any]:
    """The `spec` of a ScaledObject.

    While Prometheus does not answer, or has no series, the number stays as it is, but for a start
    below `min`.
    """
    seconds = settings.stabilization_seconds
    if seconds is None:
        seconds = min(start_seconds, LONGEST_STABILIZATION_SECONDS)
    pace = min(max(seconds, _POLLING_SECONDS), _LONGEST_PACE_SECONDS)
    wanted = {
        WAITING: settings.waiting_per_replica,
        RUNNING: settings.running_per_replica,
    }
    return {
        "scaleTargetRef": target,
        "pollingInterval": _POLLING_SECONDS,
        "minReplicaCount": settings.min,
        "maxReplicaCount": settings.max,
        "fallback": {
            "failureThreshold": _FAILURES,
            "replicas": settings.min,
            "behavior": "currentReplicasIfHigher",
        },
        "advanced": {
            "horizontalPodAutoscalerConfig": {
                "behavior": {
                    "scaleUp": {"stabilizationWindowSeconds": seconds},
                    "scaleDown": {
                        "stabilizationWindowSeconds": seconds,
                        # One at a time: the next is judged by what this one changes.
                        "policies": [{"type": "Pods", "value": 1, "periodSeconds": pace}],
                    },
                }
            },
        },
        "triggers": [
            {
                "type": "prometheus",
                "metricType": "AverageValue",
                "metadata": {
                    "serverAddress": prometheus,
                    "query": query(metric, component),
                    "threshold": str(threshold),
                    "authModes": "tls",
                    # No series is not "no requests": Prometheus may have lost its targets.
                    "ignoreNullValues": "false",
                },
                "authenticationRef": {"name": authentication},
            }
            for metric, threshold in wanted.items()
        ],
    }


def query(metric: str, component: str) -> str:
    """*metric* of all servers of *component* as the one number that the scaler takes.

    The labels are those that `components.prometheus_config` puts on what it reads.
    """
    return f'sum({metric}{{job="vllm",component="{component}"}})'
