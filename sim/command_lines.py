"""The command lines of a control plane's processes."""

from pathlib import Path
from typing import Final

from base.model import Model
from sim.pki import FRONT_PROXY
from sim.ports import LOOPBACK

POD_NETWORK: Final = "10.244.0.0/16"
SERVICE_NETWORK: Final = "10.96.0.0/16"
_ISSUER = "https://kubernetes.default.svc.cluster.local"
# The defaults (20 to 50 requests per second) protect shared clusters; here one user waits.
_QPS = ("--kube-api-qps=500", "--kube-api-burst=1000")


class Layout(Model):
    """The paths of one cluster's files, and its port."""

    home: Path
    """Certificates, kubeconfig, logs, process records; mode 0700."""
    data: Path
    """etcd's data and socket, in memory if there is a tmpfs."""
    port: int
    """Port of the API server on 127.0.0.1."""

    @property
    def tls(self) -> Path:
        """The folder of keys and certificates."""
        return self.home / "tls"

    @property
    def kubeconfig(self) -> Path:
        """An administrator's kubeconfig."""
        return self.home / "kubeconfig"

    @property
    def stages(self) -> Path:
        """The stages that kwok runs."""
        return self.home / "stages.yaml"

    @property
    def server(self) -> str:
        """The URL of the API server."""
        return f"https://{LOOPBACK}:{self.port}"

    @property
    def etcd_socket(self) -> Path:
        """A Unix socket in a private folder: no port to allocate or protect."""
        return self.data / "etcd.sock"


def etcd(layout: Layout) -> list[str]:
    """Arguments of etcd: one member; its advertised addresses are never used."""
    return [
        "--name=simulation",
        f"--data-dir={layout.data / 'etcd'}",
        f"--listen-client-urls=unix://{layout.etcd_socket}",
        f"--listen-peer-urls=unix://{layout.data / 'peer.sock'}",
        "--advertise-client-urls=http://localhost:2379",
        "--initial-advertise-peer-urls=http://localhost:2380",
        "--initial-cluster=simulation=http://localhost:2380",
        "--unsafe-no-fsync",  # survives a killed process, but not a power cut
        "--log-level=warn",
    ]


def apiserver(layout: Layout) -> list[str]:
    """Arguments of kube-apiserver: TLS, client certificates, RBAC, default admission."""
    tls = layout.tls
    return [
        f"--etcd-servers=unix://{layout.etcd_socket}",
        f"--bind-address={LOOPBACK}",
        f"--secure-port={layout.port}",
        f"--advertise-address={LOOPBACK}",
        "--endpoint-reconciler-type=none",  # Endpoints may not carry a loopback address
        f"--service-cluster-ip-range={SERVICE_NETWORK}",
        f"--client-ca-file={tls / 'ca.crt'}",
        f"--tls-cert-file={tls / 'server.crt'}",
        f"--tls-private-key-file={tls / 'server.key'}",
        "--authorization-mode=RBAC",
        f"--service-account-issuer={_ISSUER}",
        f"--service-account-key-file={tls / 'service-accounts.pub'}",
        f"--service-account-signing-key-file={tls / 'service-accounts.key'}",
        # Without a CA for the front proxy the scheduler's caches never sync.
        f"--requestheader-client-ca-file={tls / 'ca.crt'}",
        "--requestheader-allowed-names=front-proxy-client",
        "--requestheader-username-headers=X-Remote-User",
        "--requestheader-group-headers=X-Remote-Group",
        "--requestheader-extra-headers-prefix=X-Remote-Extra-",
        # Client identity towards aggregated API servers, such as KEDA's.
        f"--proxy-client-cert-file={tls / FRONT_PROXY}.crt",
        f"--proxy-client-key-file={tls / FRONT_PROXY}.key",
        "--allow-privileged=true",
        "--profiling=false",
    ]


def controller_manager(layout: Layout) -> list[str]:
    """Arguments of kube-controller-manager: every controller that needs no cloud."""
    tls = layout.tls
    return [
        f"--kubeconfig={layout.kubeconfig}",
        "--secure-port=0",
        "--leader-elect=false",
        "--controllers=*,-node-ipam-controller",
        # Simulated nodes never fail, and send no heartbeats (see the leases of kwok).
        "--node-monitor-grace-period=24h",
        # Default 15 s: tests and users wait for the pods of a scaled model.
        "--horizontal-pod-autoscaler-sync-period=5s",
        f"--root-ca-file={tls / 'ca.crt'}",
        f"--service-account-private-key-file={tls / 'service-accounts.key'}",
        f"--cluster-signing-cert-file={tls / 'ca.crt'}",
        f"--cluster-signing-key-file={tls / 'ca.key'}",
        *_QPS,
    ]


def scheduler(layout: Layout) -> list[str]:
    """Arguments of kube-scheduler, with its default profile."""
    return [
        f"--kubeconfig={layout.kubeconfig}",
        "--secure-port=0",
        "--leader-elect=false",
        *_QPS,
    ]


def kwok(layout: Layout) -> list[str]:
    """Arguments of kwok, which acts as the kubelet of annotated nodes only."""
    return [
        f"--kubeconfig={layout.kubeconfig}",
        f"--config={layout.stages}",
        "--manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake",
        f"--cidr={POD_NETWORK}",
        # No leases: while a new kwok acquires a node's, it skips the node's pods, for good
        # (v0.8.0, pkg/kwok/controllers/pod_controller.go:499: "read only"; no event follows).
        "--node-lease-duration-seconds=0",
        "--server-address=",
    ]
