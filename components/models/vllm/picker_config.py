"""Configuration of an endpoint picker and of the Envoy in front of it, as data: no Pulumi here.

The picker is llm-d's, v0.10.0, without a Gateway: its standalone chart has the same two containers
(https://github.com/llm-d/llm-d-router: config/charts/llm-d-router-standalone,
docs/disaggregation.md, docs/tls.md). Where the chart's proxy accepts plain HTTP, this one uses
TLS on both sides.
"""

from typing import Any

from components.common.pki import CA_FILE, CERT_FILE, KEY_FILE

PORT = 8000
PICKER = 9002
"""ext_proc port of the picker, inside the pod."""
HEALTH = 9003
READY = "/ready"

_REMOTE_PREFILL_TOKENS = 256
"""With fewer uncached tokens than this the decode server prefills itself: transferring the KV cache
takes longer. An assumption to measure; llm-d's example says 8."""
_ANSWER_TIMEOUT = "3600s"
"""Same as the request timeout of the router (config/settings/router.py)."""

_V3 = "type.googleapis.com/envoy.extensions"


def picker_config(*, split: bool) -> dict[str, Any]:
    """The EndpointPickerConfig: scores by prefix cache, queue length and KV cache utilization.

    *split*: picks a decode server, and for a long uncached prompt a prefill server too.
    The weights are those of the chart.
    """
    scorers = {"queue-scorer": 2, "kv-cache-utilization-scorer": 2, "prefix-cache-scorer": 3}
    scored = [{"pluginRef": scorer, "weight": weight} for scorer, weight in scorers.items()]
    plugins: list[dict[str, Any]] = [
        *({"type": scorer} for scorer in scorers),
        {"type": "max-score-picker"},
        {
            "type": "metrics-data-source",
            # Scraped by pod IP, which the certificates do not contain.
            "parameters": {"scheme": "https", "path": "/metrics", "insecureSkipVerify": True},
        },
        {"type": "core-metrics-extractor"},
    ]
    chosen = [*scored, {"pluginRef": "max-score-picker"}]
    profiles = [{"name": "default", "plugins": chosen}]
    if split:
        plugins += [
            {"type": "prefill-filter"},
            {"type": "decode-filter"},
            {
                "type": "prefix-based-pd-decider",
                "parameters": {"nonCachedTokens": _REMOTE_PREFILL_TOKENS},
            },
            {
                "type": "disagg-profile-handler",
                "parameters": {
                    "profiles": {"prefill": "prefill", "decode": "decode"},
                    "deciders": {"prefill": "prefix-based-pd-decider"},
                },
            },
        ]
        profiles = [
            {"name": role, "plugins": [{"pluginRef": f"{role}-filter"}, *chosen]}
            for role in ("prefill", "decode")
        ]
    return {
        "apiVersion": "llm-d.ai/v1alpha1",
        "kind": "EndpointPickerConfig",
        "plugins": plugins,
        "schedulingProfiles": profiles,
    }


def proxy_config(server_name: str) -> dict[str, Any]:
    """Envoy's bootstrap: TLS from the router and to the pod picked of those of *server_name*.

    Only the OpenAI-compatible API is routed: vLLM's other paths require no key.
    https://www.envoyproxy.io/docs/envoy/v1.33.2/api-v3/api
    """
    return {
        "static_resources": {
            "listeners": [
                {
                    "name": "api",
                    "address": _address("0.0.0.0", PORT),  # noqa: S104 - the pod's own
                    "per_connection_buffer_limit_bytes": 32768,
                    "filter_chains": [
                        {
                            "transport_socket": _served(),
                            "filters": [
                                {
                                    "name": "envoy.filters.network.http_connection_manager",
                                    "typed_config": _connection_manager(),
                                }
                            ],
                        }
                    ],
                }
            ],
            "clusters": [
                {
                    "name": "servers",
                    "type": "ORIGINAL_DST",
                    "lb_policy": "CLUSTER_PROVIDED",
                    "connect_timeout": "10s",
                    "original_dst_lb_config": {
                        "use_http_header": True,
                        "http_header_name": "x-gateway-destination-endpoint",
                    },
                    "transport_socket": _verified(server_name),
                },
                {
                    "name": "picker",
                    "type": "STATIC",
                    "connect_timeout": "10s",
                    "typed_extension_protocol_options": {
                        "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                            "@type": f"{_V3}.upstreams.http.v3.HttpProtocolOptions",
                            "explicit_http_config": {"http2_protocol_options": {}},
                        }
                    },
                    "transport_socket": _verified("localhost"),
                    "load_assignment": {
                        "cluster_name": "picker",
                        "endpoints": [
                            {
                                "lb_endpoints": [
                                    {"endpoint": {"address": _address("127.0.0.1", PICKER)}}
                                ]
                            }
                        ],
                    },
                },
            ],
        }
    }


def _connection_manager() -> dict[str, Any]:
    return {
        "@type": f"{_V3}.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "api",
        "normalize_path": True,
        "merge_slashes": True,
        "path_with_escaped_slashes_action": "REJECT_REQUEST",
        "stream_idle_timeout": _ANSWER_TIMEOUT,
        "route_config": {
            "virtual_hosts": [
                {
                    "name": "api",
                    "domains": ["*"],
                    "routes": [
                        {
                            "match": {"prefix": "/v1/"},
                            "route": {"cluster": "servers", "timeout": _ANSWER_TIMEOUT},
                        }
                    ],
                }
            ]
        },
        "http_filters": [
            {
                "name": "envoy.filters.http.health_check",
                "typed_config": {
                    "@type": f"{_V3}.filters.http.health_check.v3.HealthCheck",
                    "pass_through_mode": False,
                    "headers": [{"name": ":path", "string_match": {"exact": READY}}],
                },
            },
            {
                "name": "envoy.filters.http.ext_proc",
                "typed_config": {
                    "@type": f"{_V3}.filters.http.ext_proc.v3.ExternalProcessor",
                    "grpc_service": {"envoy_grpc": {"cluster_name": "picker"}, "timeout": "10s"},
                    "message_timeout": _ANSWER_TIMEOUT,
                    "processing_mode": {
                        "request_header_mode": "SEND",
                        "response_header_mode": "SEND",
                        "request_body_mode": "FULL_DUPLEX_STREAMED",
                        "response_body_mode": "FULL_DUPLEX_STREAMED",
                        "request_trailer_mode": "SEND",
                        "response_trailer_mode": "SEND",
                    },
                },
            },
            {
                "name": "envoy.filters.http.router",
                "typed_config": {
                    "@type": f"{_V3}.filters.http.router.v3.Router",
                    "suppress_envoy_headers": True,
                },
            },
        ],
    }


def _address(host: str, port: int) -> dict[str, Any]:
    return {"socket_address": {"address": host, "port_value": port}}


def _served() -> dict[str, Any]:
    """TLS with the pod's own certificate."""
    return {
        "name": "envoy.transport_sockets.tls",
        "typed_config": {
            "@type": f"{_V3}.transport_sockets.tls.v3.DownstreamTlsContext",
            "common_tls_context": {
                "tls_params": {"tls_minimum_protocol_version": "TLSv1_2"},
                "tls_certificates": [
                    {
                        "certificate_chain": {"filename": CERT_FILE},
                        "private_key": {"filename": KEY_FILE},
                    }
                ],
            },
        },
    }


def _verified(name: str) -> dict[str, Any]:
    """TLS to a server with a certificate of the stack's authority for *name*."""
    return {
        "name": "envoy.transport_sockets.tls",
        "typed_config": {
            "@type": f"{_V3}.transport_sockets.tls.v3.UpstreamTlsContext",
            "sni": name,
            "common_tls_context": {
                "alpn_protocols": ["h2"] if name == "localhost" else ["http/1.1"],
                "validation_context": {
                    "trusted_ca": {"filename": CA_FILE},
                    "match_typed_subject_alt_names": [
                        {"san_type": "DNS", "matcher": {"exact": name}}
                    ],
                },
            },
        },
    }
