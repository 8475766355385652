"""Probes: HTTPS where possible, with more failures allowed for liveness than for readiness."""

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
    """GET *path* on *port*; the kubelet does not verify the certificate."""
    return {
        "http_get": {"path": path, "port": port, "scheme": scheme},
        "period_seconds": period_seconds,
        "failure_threshold": failures,
        "timeout_seconds": timeout_seconds,
    }


def tcp(port: int, *, period_seconds: int = 10, failures: int = 3) -> k8s.core.v1.ProbeArgsDict:
    """A connection to *port*, for a server without HTTP or gRPC health checks."""
    return {
        "tcp_socket": {"port": port},
        "period_seconds": period_seconds,
        "failure_threshold": failures,
    }


def command(
    *words: str, period_seconds: int = 10, failures: int = 3, timeout_seconds: int = 5
) -> k8s.core.v1.ProbeArgsDict:
    """A command inside the container, for a program without a port."""
    return {
        "exec_": {"command": list(words)},
        "period_seconds": period_seconds,
        "failure_threshold": failures,
        "timeout_seconds": timeout_seconds,
    }


def startup(probe: k8s.core.v1.ProbeArgsDict, seconds: int) -> k8s.core.v1.ProbeArgsDict:
    """*probe* as a startup probe that allows a container *seconds* before it is restarted."""
    period = 10
    return {**probe, "period_seconds": period, "failure_threshold": max(1, -(-seconds // period))}
