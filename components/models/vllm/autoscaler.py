"""Autoscaling by load: a KEDA ScaledObject over two Prometheus queries.

https://keda.sh/docs/2.18/scalers/prometheus/; the types of v2.18.0 accept these objects
(tests/engine/test_vllm_autoscaling.py).
"""

from typing import Any

import pulumi_kubernetes as k8s
from pulumi import Output, ResourceOptions

from components.common.args import Args, MaybeOutput
from components.common.component import Component, after
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
"""Consecutive failed queries before the number of servers is frozen."""

_MAX_PERIOD_SECONDS = 1800
"""Kubernetes' limit of periodSeconds (pkg/apis/autoscaling/validation)."""

WAITING = "vllm:num_requests_waiting"
RUNNING = "vllm:num_requests_running"


class AutoscalerArgs(Args):
    """The autoscaler of one model."""

    tier: Tier
    settings: AutoscalingSettings
    start_seconds: int
    """Expected time from the start of a server to its first answer."""
    api_version: str
    """API version of the target: any kind with the subresource `scale`."""
    kind_of_target: str
    target: Output[str]
    """Name of the target."""
    component: str
    """Value of the label `component` of the servers' series."""
    prometheus: Upstream


class Autoscaler(Component):
    """One ScaledObject; KEDA creates the only HorizontalPodAutoscaler of its target."""

    kind = "keda"

    def __init__(
        self, name: str, args: AutoscalerArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__(name, args.tier, opts)
        operator = Pods(name, _OPERATOR_NAMESPACE, {"app": "keda-operator"})
        self.tier.firewall.admit(args.prometheus.server, operator, args.prometheus.port)
        # Prometheus requires no client certificate, but KEDA's scaler accepts a custom CA only
        # together with one (pkg/scalers/authentication: Config.Validate).
        authentication = k8s.apiextensions.CustomResource(
            name,
            api_version=_API_VERSION,
            kind="TriggerAuthentication",
            metadata=self.metadata(name),  # the ScaledObject refers to it
            spec=trigger_authentication(self.certificate_secret(name)),
            opts=self.child_opts,
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
                authentication=after(Output.from_input(name), authentication.id),
                component=args.component,
            ),
            opts=self.child_opts,
        )
        self.register_outputs({"scaled_object": scaled.id})


def trigger_authentication(secret: Output[str]) -> dict[str, Any]:
    """The `spec` of a TriggerAuthentication with the certificate in *secret*."""
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
    target: dict[str, MaybeOutput[str]],
    prometheus: MaybeOutput[str],
    authentication: MaybeOutput[str],
    component: str,
) -> dict[str, Any]:
    """The `spec` of a ScaledObject.

    While Prometheus does not answer, or has no series, the number stays the same, or rises to
    `min`.
    """
    seconds = settings.stabilization_seconds
    if seconds is None:
        seconds = min(start_seconds, LONGEST_STABILIZATION_SECONDS)
    pace = min(max(seconds, _POLLING_SECONDS), _MAX_PERIOD_SECONDS)
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
                        # One at a time: the next decision sees the effect of this one.
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
    """*metric* summed over all servers of *component*, as the scaler expects a single number.

    `components.monitoring.prometheus_config` sets the labels.
    """
    return f'sum({metric}{{job="vllm",component="{component}"}})'
