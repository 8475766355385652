"""The command lines of a control plane's processes."""

from pathlib import Path
from typing import Final

from base.model import Model
from sim.pki import FRONT_PROXY
from sim.ports import LOOPBACK

POD_NETWORK: Final = "10.244.0.0/16"
SERVICE_NETWORK: Final = "10.96.0.0/16"
_ISSUER = "https://kubernetes.default.svc.cluster.local"
# The defaults (20 to 50 requests a second) spread the load of many tenants; here one person waits.
_QPS = ("--kube-api-qps=500", "--kube-api-burst=1000")


class Layout(Model):
    """Where the files of one cluster are, and its port."""

    home: Path
    """Certificates, kubeconfig, logs, records; of the owner only."""
    data: Path
    """What etcd stores and its socket, on memory where there is a tmpfs."""
    port: int
    """Of the API server, on 127.0.0.1: the only one a cluster opens."""

    @property
    def tls(self) -> Path:
        """The folder of keys and certificates."""
        return self.home / "tls"

    @property
    def kubeconfig(self) -> Path:
        """How an administrator reaches the cluster."""
        return self.home / "kubeconfig"

    @property
    def stages(self) -> Path:
        """What kwok plays."""
        return self.home / "stages.yaml"

    @property
    def server(self) -> str:
        """The URL of the API server."""
        return f"https://{LOOPBACK}:{self.port}"

    @property
    def etcd_socket(self) -> Path:
        """A Unix socket in a folder of the owner's: no port to find free, none to protect."""
        return self.data / "etcd.sock"


def etcd(layout: Layout) -> list[str]:
    """Arguments of etcd. One member that tells nobody: the advertised addresses are never used."""
    return [
        "--name=simulation",
        f"--data-dir={layout.data / 'etcd'}",
        f"--listen-client-urls=unix://{layout.etcd_socket}",
        f"--listen-peer-urls=unix://{layout.data / 'peer.sock'}",
        "--advertise-client-urls=http://localhost:2379",
        "--initial-advertise-peer-urls=http://localhost:2380",
        "--initial-cluster=simulation=http://localhost:2380",
        "--unsafe-no-fsync",  # survives a killed process, though not a power cut
        "--log-level=warn",
    ]


def apiserver(layout: Layout) -> list[str]:
    """Arguments of kube-apiserver: TLS, client certificates, RBAC, Pod Security as by default."""
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
        # As whom it passes requests on to an API server that extends it, such as KEDA's.
        f"--proxy-client-cert-file={tls / FRONT_PROXY}.crt",
        f"--proxy-client-key-file={tls / FRONT_PROXY}.key",
        "--allow-privileged=true",
        "--profiling=false",
    ]


def controller_manager(layout: Layout) -> list[str]:
    """Arguments of kube-controller-manager: every controller that works without a cloud."""
    tls = layout.tls
    return [
        f"--kubeconfig={layout.kubeconfig}",
        "--secure-port=0",
        "--leader-elect=false",
        "--controllers=*,-node-ipam-controller",
        # Simulated nodes do not fail by themselves, while a laptop sleeps and two cores get busy.
        "--node-monitor-grace-period=5m",
        # Of the 15 s by default: somebody waits for the pods that a scaled model gets.
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
    """Arguments of kwok, which plays the kubelets of the annotated nodes and nobody else's."""
    return [
        f"--kubeconfig={layout.kubeconfig}",
        f"--config={layout.stages}",
        "--manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake",
        f"--cidr={POD_NETWORK}",
        "--node-lease-duration-seconds=40",  # the kubelet's own
        "--server-address=",
    ]
