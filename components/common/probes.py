"""Probes: HTTPS unless there is no way, liveness slower to judge than readiness."""

from typing import Literal

import pulumi_kubernetes as k8s

Scheme = Literal["HTTPS", "HTTP"]


def https(
    path: str,
    port: int,
    *,
    period_seconds: int = 10,
    failures: int = 3,
    timeout_seconds: int = 5,
    scheme: Scheme = "HTTPS",
) -> k8s.core.v1.ProbeArgsDict:
    """GET *path* on *port*; the kubelet does not verify the certificate, so any of ours serves."""
    return {
        "http_get": {"path": path, "port": port, "scheme": scheme},
        "period_seconds": period_seconds,
        "failure_threshold": failures,
        "timeout_seconds": timeout_seconds,
    }


def tcp(port: int, *, period_seconds: int = 10, failures: int = 3) -> k8s.core.v1.ProbeArgsDict:
    """A connection to *port*, for what speaks neither HTTP nor gRPC health."""
    return {
        "tcp_socket": {"port": port},
        "period_seconds": period_seconds,
        "failure_threshold": failures,
    }


def command(
    *words: str, period_seconds: int = 10, failures: int = 3, timeout_seconds: int = 5
) -> k8s.core.v1.ProbeArgsDict:
    """A command inside the container, for what has no port at all."""
    return {
        "exec_": {"command": list(words)},
        "period_seconds": period_seconds,
        "failure_threshold": failures,
        "timeout_seconds": timeout_seconds,
    }


def startup(probe: k8s.core.v1.ProbeArgsDict, seconds: int) -> k8s.core.v1.ProbeArgsDict:
    """*probe* as a startup probe that gives a container *seconds* before it is restarted."""
    period = 10
    return {**probe, "period_seconds": period, "failure_threshold": max(1, -(-seconds // period))}
