"""Cases of the rules about TLS."""

from tests.policies.cases import Case, Compliant, NotApplicable, Violating
from tests.policies.manifests import (
    BOX,
    REMOVED,
    args,
    change,
    config_map,
    env,
    gateway,
    ingress,
    job,
    monitor,
    namespace,
    pod_monitor,
    secret,
    service,
    tenant,
    workload,
)

_LISTENER = ("spec", "listeners", 0)

EDGE: tuple[Case, ...] = (
    Violating(
        "tls-ingress",
        "an Ingress without TLS",
        [change(ingress(), ("spec", "tls"), REMOVED)],
        "spec.tls",
        (0, ("spec", "tls")),
    ),
    Violating(
        "tls-ingress",
        "a second host that no certificate covers",
        [change(ingress(), ("spec", "rules", 1), {"host": "auth.example.org"})],
        "spec.tls",
        (0, ("spec", "tls", 0, "hosts")),
    ),
    Violating(
        "tls-ingress",
        "an Ingress with nothing but a default backend",
        [change(ingress(), ("spec",), {"defaultBackend": {"service": {"name": "ui"}}})],
        "spec.tls",
    ),
    Compliant(
        "tls-ingress",
        "a host with its own certificate, one under a wildcard, one for all",
        [
            change(ingress(), ("spec", "tls", 0, "hosts"), REMOVED),
            ingress(),
            change(ingress(), ("spec", "tls", 0, "hosts"), ["*.example.org"]),
        ],
    ),
    NotApplicable("tls-ingress", "a Service", [service()]),
    Violating(
        "tls-gateway",
        "an HTTP listener",
        [change(gateway(), (*_LISTENER, "protocol"), "HTTP")],
        "spec.listeners[web].protocol",
        (0, (*_LISTENER, "protocol")),
    ),
    Violating(
        "tls-gateway",
        "an HTTPS listener without a certificate",
        [change(gateway(), (*_LISTENER, "tls"), REMOVED)],
        "spec.listeners[web].tls.certificateRefs",
        (0, (*_LISTENER, "tls")),
    ),
    Violating(
        "tls-gateway",
        "a TCP listener",
        [change(gateway(), (*_LISTENER, "protocol"), "TCP")],
        "spec.listeners[web].protocol",
    ),
    Violating(
        "tls-gateway",
        "a TLS listener that ends TLS without a certificate",
        [change(gateway(), _LISTENER, {"name": "db", "protocol": "TLS", "tls": {"mode": "x"}})],
        "spec.listeners[db].tls.certificateRefs",
        (0, (*_LISTENER, "tls", "mode")),
    ),
    Compliant(
        "tls-gateway",
        "a certificate, TLS passed through, and UDP",
        [
            change(gateway(), _LISTENER, {"name": "dns", "protocol": "UDP"}),
            gateway(),
            change(gateway(), (*_LISTENER, "tls"), {"mode": "Passthrough"}),
        ],
    ),
    NotApplicable("tls-gateway", "an Ingress", [ingress()]),
    *(
        Violating(
            "tls-port",
            sentence,
            [change(service(), ("spec", "ports", 0, field), value)],
            at,
            (0, ("spec", "ports", 0)),
        )
        for sentence, field, value, at in (
            ("a Service port named http", "name", "http", "spec.ports[http].name"),
            (
                "a Service port named http-metrics",
                "name",
                "http-metrics",
                "spec.ports[http-metrics].name",
            ),
            (
                "a Service port whose protocol is http",
                "appProtocol",
                "http",
                "spec.ports[https].appProtocol",
            ),
            ("port 80 under another name", "port", 80, "spec.ports[https]"),
        )
    ),
    Violating(
        "tls-port",
        "a container port named http",
        [change(workload(), (*BOX, "ports", 0, "name"), "http")],
        "containers[server].ports[http].name",
        (0, (*BOX, "ports", 0, "name")),
    ),
    Compliant(
        "tls-port",
        "https ports, ports of other protocols, and names outside",
        [
            service(),
            change(
                service(),
                *(("spec", "type"), "ExternalName"),
                *(("spec", "ports", 0, "name"), "http"),
            ),
            workload(),
            change(service(), ("spec", "ports", 0), {"name": "grpc-tls", "port": 6334}),
        ],
    ),
    NotApplicable("tls-port", "an Ingress", [ingress()]),
)

_INSIDE = (
    "http://qdrant:6333",
    "http://qdrant.data:6333",
    "http://qdrant.data.svc",
    "http://qdrant.data.svc.cluster.local:6333/collections",
    "http://$(QDRANT_HOST):6333",
    "http://10.0.0.7:8000",
    "http://0.0.0.0:8000",
    "http://[fd00::7]:8000",
    "http://$(POD).example.org",
    "http://models.corp.internal",
    "http://printer.local",
    "redis://8.8.8.8:6379",
    "redis://cache.example.org:6379",
    "postgresql://keycloak@db/keycloak?sslmode=prefer",
)
_SOUND = (
    "https://qdrant.data.svc:6333",
    "http://127.0.0.1:8000",
    "http://localhost:8000",
    "http://[::1]:8000",
    "redis://127.0.0.1:6379",
    "http://www.w3.org/2001/XMLSchema",
    "http://8.8.8.8:8000",
    "begin with http:// or https://",
    "rediss://cache:6379",
    "postgresql://keycloak@db/keycloak?sslmode=verify-full",
)

URLS: tuple[Case, ...] = (
    *(
        Violating(
            "tls-url",
            f"{url} in an environment variable",
            [change(workload(), *env("BACKEND", url))],
            "containers[server].env[BACKEND].value",
            (0, (*BOX, "env", 0, "value")),
        )
        for url in _INSIDE
    ),
    Violating(
        "tls-url",
        "a clear URL inside an argument",
        [change(job(), *args("--vllm=http://chat.models.svc:8000"))],
        "containers[server].args[0]",
        (0, (*BOX, "args", 0)),
    ),
    Violating(
        "tls-url",
        "a clear URL on the command",
        [change(job(), (*BOX, "command"), ["wait", "http://chat.models.svc:8000"])],
        "containers[server].command[1]",
    ),
    Violating(
        "tls-url",
        "a clear URL on the second line of a ConfigMap's file",
        [config_map(app__yaml="models:\n  url: http://chat.models.svc:8000\n")],
        "data[app.yaml] line 2",
        (0, ("data", "app.yaml")),
    ),
    Violating(
        "tls-url",
        "a clear URL in a file of a Secret",
        [secret(app__yaml="url: http://chat.models.svc:8000")],
        "stringData[app.yaml] line 1",
        (0, ("stringData", "app.yaml")),
    ),
    *(
        Compliant(
            "tls-url",
            f"{url}",
            [change(workload(), *env("BACKEND", url)), config_map(url=url), secret(url=url)],
        )
        for url in _SOUND
    ),
    NotApplicable("tls-url", "a Service", [service()]),
)

LISTENERS: tuple[Case, ...] = (
    Violating(
        "tls-listener",
        "a Kong proxy that also listens in clear",
        [change(workload(), *env("KONG_PROXY_LISTEN", "0.0.0.0:8000, 0.0.0.0:8443 http2 ssl"))],
        "env[KONG_PROXY_LISTEN].value",
        (0, (*BOX, "env", 0, "value")),
    ),
    Violating(
        "tls-listener",
        "a Keycloak with HTTP on",
        [change(workload(), *env("KC_HTTP_ENABLED", "true"))],
        "env[KC_HTTP_ENABLED].value",
    ),
    Violating(
        "tls-listener",
        "a vLLM without a certificate",
        [change(workload(), *args("vllm", "serve", "/models/chat", "--port=8000"))],
        "containers[server].args",
        (0, (*BOX, "args", 3)),
    ),
    Violating(
        "tls-listener",
        "a vLLM started by the command",
        [change(workload(), (*BOX, "command"), ["/usr/bin/vllm", "serve", "/models/chat"])],
        "containers[server].args",
        (0, (*BOX, "command", 2)),
    ),
    Violating(
        "tls-listener",
        "uvicorn on every address of the pod",
        [change(workload(), *args("uvicorn", "app:main", "--host", "::"))],
        "containers[server].args",
    ),
    Violating(
        "tls-listener",
        "an nginx file that listens without ssl",
        [config_map(nginx__conf="server {\n  listen 8080;\n}")],
        "data[nginx.conf] line 2",
        (0, ("data", "nginx.conf")),
    ),
    Violating(
        "tls-listener",
        "a Kong file whose status port is in clear",
        [secret(kong__conf="proxy_listen = 0.0.0.0:8443 ssl\nstatus_listen = 0.0.0.0:8100\n")],
        "stringData[kong.conf] line 2",
    ),
    Compliant(
        "tls-listener",
        "listeners with ssl, on loopback, or off",
        [
            change(workload(), *env("KONG_PROXY_LISTEN", "0.0.0.0:8443 http2 ssl reuseport")),
            change(workload(), *env("KONG_ADMIN_LISTEN", "127.0.0.1:8001")),
            change(workload(), *env("KONG_ADMIN_GUI_LISTEN", "off")),
            change(workload(), *env("KC_HTTP_ENABLED", "false")),
            change(workload(), *args("vllm", "serve", "--ssl-certfile=/tls/tls.crt")),
            change(workload(), *args("vllm", "bench")),
            change(workload(), *args("uvicorn", "app:main", "--host=127.0.0.1")),
            change(workload(), *args("uvicorn", "app:main", "--host", "127.0.0.1")),
            change(workload(), *args("docs", "serve")),
            config_map(nginx__conf="listen 8443 ssl;\nlisten 127.0.0.1:8080;\nlisten 443 quic;"),
            config_map(kong__conf="proxy_listen = 0.0.0.0:8443 ssl,\nadmin_listen = off\n"),
        ],
    ),
    NotApplicable("tls-listener", "a Service", [service()]),
    Violating(
        "tls-probe",
        "a probe over HTTP",
        [change(workload(), (*BOX, "readinessProbe", "httpGet", "scheme"), "HTTP")],
        "containers[server].readinessProbe.httpGet.scheme",
        (0, (*BOX, "readinessProbe", "httpGet", "scheme")),
    ),
    Violating(
        "tls-probe",
        "a probe that leaves the scheme to the default",
        [change(workload(), (*BOX, "startupProbe"), {"httpGet": {"path": "/", "port": 1}})],
        "containers[server].startupProbe.httpGet.scheme",
    ),
    Violating(
        "tls-probe",
        "a gRPC probe",
        [change(workload(), (*BOX, "livenessProbe"), {"grpc": {"port": 9000}})],
        "containers[server].livenessProbe.grpc",
    ),
    *(
        Violating(
            "tls-probe",
            f"a {hook} hook over HTTP",
            [change(workload(), (*BOX, "lifecycle", hook, "httpGet"), {"port": 1})],
            f"containers[server].lifecycle.{hook}.httpGet.scheme",
        )
        for hook in ("postStart", "preStop")
    ),
    Compliant(
        "tls-probe",
        "probes over HTTPS, of TCP, and commands",
        [
            workload(),
            change(workload(), (*BOX, "livenessProbe"), {"tcpSocket": {"port": 1}}),
            change(workload(), (*BOX, "livenessProbe"), {"exec": {"command": ["true"]}}),
        ],
    ),
    NotApplicable("tls-probe", "a Namespace", [namespace()]),
    Violating(
        "tls-scrape",
        "a ServiceMonitor that scrapes in clear",
        [change(monitor(), ("spec", "endpoints", 0, "scheme"), REMOVED)],
        "spec.endpoints[0].scheme",
        (0, ("spec", "endpoints", 0, "scheme")),
    ),
    Violating(
        "tls-scrape",
        "a PodMonitor that scrapes in clear",
        [change(pod_monitor(), ("spec", "podMetricsEndpoints", 0, "scheme"), "http")],
        "spec.podMetricsEndpoints[0].scheme",
    ),
    Compliant("tls-scrape", "monitors over HTTPS", [monitor(), pod_monitor()]),
    NotApplicable("tls-scrape", "a Service", [service()]),
    Violating(
        "tls-object-store",
        "a Tenant without certificates",
        [change(tenant(), ("spec", "requestAutoCert"), False)],
        "spec.requestAutoCert",
        (0, ("spec", "requestAutoCert")),
    ),
    Violating(
        "tls-object-store",
        "a Tenant that says nothing about them",
        [change(tenant(), ("spec", "requestAutoCert"), REMOVED)],
        "spec.requestAutoCert",
        (0, ("spec", "externalCertSecret")),
    ),
    Compliant(
        "tls-object-store",
        "a Tenant with its own, or with requested ones",
        [
            tenant(),
            change(
                tenant(),
                ("spec", "requestAutoCert"),
                False,
                ("spec", "externalCertSecret"),
                [{"name": "tls", "type": "kubernetes.io/tls"}],
            ),
        ],
    ),
    NotApplicable("tls-object-store", "a Deployment", [workload()]),
)
