"""TLS of Ingresses, Gateways, object stores and metric scrapes."""

from collections.abc import Iterator

from policies.rules.frameworks import NSA_NETWORK, RGPD_32, SNC_CRYPTO
from policies.rules.model import UNKNOWN, Finding, Node, Resource, Rule, Severity
from policies.rules.reading import entries, get, label, missing, shown


def _ingress(resource: Resource) -> Iterator[Finding]:
    hosts: set[Node] = set()
    covered: set[Node] = set()
    for _, rule in entries(resource.props, "spec", "rules"):
        hosts.add(get(rule, "host", default="*"))
    tls = get(resource.props, "spec", "tls")
    for _, entry in entries(tls):
        names = get(entry, "hosts", default=["*"])
        covered |= {UNKNOWN} if names is UNKNOWN else set(names)
    if tls is UNKNOWN or UNKNOWN in covered:
        return
    if not covered:
        yield Finding("spec.tls", "missing", "an entry with hosts and secretName")
        return
    for host in sorted(hosts - covered - {UNKNOWN}):
        if "*" not in covered and f"*.{host.partition('.')[2]}" not in covered:
            yield Finding(
                "spec.tls",
                f"no entry for the host {shown(host)}",
                "every host of spec.rules in tls[].hosts",
                f"add {host} to spec.tls[].hosts",
            )


INGRESS = Rule(
    "tls-ingress",
    "An Ingress serves all of its hosts over TLS.",
    "A host without TLS sends prompts and sessions in plaintext.",
    "add spec.tls with the host and the Secret of its certificate",
    frozenset({"Ingress.networking.k8s.io"}),
    Severity.CRITICAL,
    _ingress,
    covers=("tls",),
    frameworks=(
        NSA_NETWORK,
        SNC_CRYPTO,
        RGPD_32,
    ),
)


def _gateway(resource: Resource) -> Iterator[Finding]:
    for i, listener in entries(resource.props, "spec", "listeners"):
        path = f"spec.listeners[{label(listener, i)}]"
        protocol = get(listener, "protocol")
        if protocol in ("HTTP", "TCP"):
            yield Finding(f"{path}.protocol", shown(protocol), "HTTPS or TLS")
        elif (
            protocol in ("HTTPS", "TLS")
            and get(listener, "tls", "mode") not in ("Passthrough", UNKNOWN)
            and missing(listener, "tls", "certificateRefs")
        ):
            yield Finding(
                f"{path}.tls.certificateRefs",
                "missing",
                "the Secret of a certificate, or tls.mode Passthrough",
                "reference the Secret of the certificate",
            )


GATEWAY = Rule(
    "tls-gateway",
    "Listeners of a Gateway use HTTPS or TLS and have a certificate.",
    "All external traffic enters through the gateway.",
    "set protocol HTTPS and tls.certificateRefs",
    frozenset({"Gateway.gateway.networking.k8s.io"}),
    Severity.CRITICAL,
    _gateway,
    covers=("tls",),
    frameworks=(
        NSA_NETWORK,
        SNC_CRYPTO,
        RGPD_32,
    ),
)


def _scrape(resource: Resource) -> Iterator[Finding]:
    field = "endpoints" if resource.kind.startswith("Service") else "podMetricsEndpoints"
    for i, endpoint in entries(resource.props, "spec", field):
        scheme = get(endpoint, "scheme", default="http")
        if scheme is not UNKNOWN and str(scheme).lower() != "https":
            yield Finding(f"spec.{field}[{i}].scheme", shown(scheme), "https")


SCRAPE = Rule(
    "tls-scrape",
    "ServiceMonitors and PodMonitors scrape over HTTPS.",
    "Scrapes carry bearer tokens, and metrics name models and teams.",
    "set scheme https and tlsConfig.ca",
    frozenset({"ServiceMonitor.monitoring.coreos.com", "PodMonitor.monitoring.coreos.com"}),
    Severity.MEDIUM,
    _scrape,
    covers=("tls",),
    frameworks=(
        NSA_NETWORK,
        SNC_CRYPTO,
        RGPD_32,
    ),
)


def _object_store(resource: Resource) -> Iterator[Finding]:
    auto = get(resource.props, "spec", "requestAutoCert")
    given = get(resource.props, "spec", "externalCertSecret")
    if UNKNOWN in (auto, given) or auto is True or given:
        return
    yield Finding(
        "spec.requestAutoCert",
        shown(auto),
        "true, or a certificate in spec.externalCertSecret",
    )


OBJECT_STORE = Rule(
    "tls-object-store",
    "A MinIO Tenant has certificates, from externalCertSecret or requestAutoCert.",
    "Documents, models and backups are sent to it.",
    "set spec.externalCertSecret to the component's certificate",
    frozenset({"Tenant.minio.min.io"}),
    Severity.CRITICAL,
    _object_store,
    covers=("tls",),
    frameworks=(
        NSA_NETWORK,
        SNC_CRYPTO,
        RGPD_32,
    ),
)

RULES = (INGRESS, GATEWAY, SCRAPE, OBJECT_STORE)
