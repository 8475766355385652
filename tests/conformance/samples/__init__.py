"""Small inputs that prove the harness, to be replaced by what the components generate."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.conformance.peers.certificates import RsaKey

ISSUER = "https://auth.entreprise.fr/realms/pkcs8"
AUDIENCE = "llm-api"
CLIENT = "gateway-test"
CLIENT_SECRET = "made-up-client-secret"
DATABASE_PASSWORD = "made-up-database-password"
ADMIN_PASSWORD = "made-up-admin-password"
REDIS_PASSWORD = "made-up-redis-password"
MODEL_KEY = "made-up-model-key"
MASTER_KEY = "sk-made-up-0123456789abcdef0123456789abcdef"
FINANCE_KEY, FINANCE_OTHER_KEY, RESEARCH_KEY = "sk-finance-1", "sk-finance-2", "sk-research-1"

KEYCLOAK_CONF = f"""\
db=postgres
db-url-host=postgres.data.svc
db-url-port=5432
db-url-database=keycloak
db-username=keycloak
db-password={DATABASE_PASSWORD}
db-tls-mode=verify-server
db-tls-trust-store-file=/etc/keycloak/tls/ca.crt
hostname=https://auth.entreprise.fr
hostname-backchannel-dynamic=true
proxy-headers=xforwarded
http-enabled=false
https-port=8443
https-certificate-file=/etc/keycloak/tls/tls.crt
https-certificate-key-file=/etc/keycloak/tls/tls.key
https-certificates-reload-period=1m
health-enabled=true
metrics-enabled=true
cache=local
bootstrap-admin-username=first-admin
bootstrap-admin-password={ADMIN_PASSWORD}
log-console-output=json
"""

REDIS_CONF = f"""\
port 0
tls-port 6379
bind 0.0.0.0
tls-cert-file /tls/tls.crt
tls-key-file /tls/tls.key
tls-ca-cert-file /tls/ca.crt
tls-auth-clients no
requirepass {REDIS_PASSWORD}
save ""
appendonly no
dir /data
maxmemory 64mb
maxmemory-policy noeviction
"""


def realms(key: RsaKey) -> list[dict[str, Any]]:
    """One realm for each form of the private key."""
    return [
        _realm("pkcs1", key.private_key_pem),
        _realm("pkcs8", key.private_key_pem_pkcs8),
    ]


def _realm(name: str, private_key: str) -> dict[str, Any]:
    claims = {"access.token.claim": "true", "id.token.claim": "true"}
    return {
        "realm": name,
        "enabled": True,
        "sslRequired": "all",
        "groups": [{"name": "finance"}, {"name": "research"}],
        "components": {
            "org.keycloak.keys.KeyProvider": [
                {
                    "name": "stack-rsa",
                    "providerId": "rsa",
                    "subComponents": {},
                    "config": {
                        "priority": ["200"],
                        "enabled": ["true"],
                        "active": ["true"],
                        "algorithm": ["RS256"],
                        "privateKey": [private_key],
                    },
                }
            ]
        },
        "clients": [
            {
                "clientId": CLIENT,
                "enabled": True,
                "publicClient": False,
                "secret": CLIENT_SECRET,
                "serviceAccountsEnabled": True,
                "standardFlowEnabled": False,
                "protocolMappers": [
                    {
                        "name": "groups",
                        "protocol": "openid-connect",
                        "protocolMapper": "oidc-group-membership-mapper",
                        "config": {"claim.name": "groups", "full.path": "false", **claims},
                    },
                    {
                        "name": "audience",
                        "protocol": "openid-connect",
                        "protocolMapper": "oidc-audience-mapper",
                        "config": {"included.custom.audience": AUDIENCE, **claims},
                    },
                ],
            }
        ],
        "users": [
            {
                "username": f"service-account-{CLIENT}",
                "enabled": True,
                "serviceAccountClientId": CLIENT,
                "groups": ["/research"],
            }
        ],
    }


def router_config(*, models_url: str, redis_port: int, authority: Path) -> dict[str, Any]:
    """A LiteLLM configuration with a chat, an embedding and a reranking model."""

    def model(name: str, mode: str) -> dict[str, Any]:
        return {
            "model_name": name,
            "litellm_params": {
                "model": f"hosted_vllm/{name}",
                "api_base": f"{models_url}/v1",
                "api_key": MODEL_KEY,
            },
            "model_info": {"mode": mode},
        }

    return {
        "model_list": [
            model("chat", "chat"),
            model("code", "chat"),
            model("embed", "embedding"),
            model("rerank", "rerank"),
        ],
        "litellm_settings": {
            "drop_params": True,
            "turn_off_message_logging": True,
            "ssl_verify": str(authority),
            "callbacks": ["prometheus"],
            "require_auth_for_metrics_endpoint": False,
            # Together with custom_auth_run_common_checks; without either one, a key may ask for
            # any model whatever its team's list says.
            "enable_post_custom_auth_checks": True,
        },
        "general_settings": {
            "master_key": MASTER_KEY,
            "custom_auth": "identity.authenticate",
            "custom_auth_run_common_checks": True,
            "fail_closed_rate_limit_enforcement": True,
            "coordination_redis": {
                "host": "localhost",
                "port": redis_port,
                "password": REDIS_PASSWORD,
                "ssl": True,
                "ssl_ca_certs": str(authority),
            },
        },
    }


def router_files(key: RsaKey) -> dict[str, str]:
    """What lies beside the configuration: who may ask, and what decides it."""
    teams = {
        "finance": {"models": ["chat"], "tpm": 200},
        "research": {"models": ["chat", "code", "embed", "rerank"], "tpm": 100_000},
    }
    keys = {
        FINANCE_KEY: {"team": "finance", "name": "one"},
        FINANCE_OTHER_KEY: {"team": "finance", "name": "two"},
        RESEARCH_KEY: {"team": "research", "name": "three"},
    }
    return {
        "identity.py": Path(__file__).with_name("identity.py").read_text(),
        "identity.json": json.dumps(_policy(teams, keys)),
        "realm.pub": key.public_key_pem,
    }


def _policy(teams: Mapping[str, Any], keys: Mapping[str, Any]) -> dict[str, Any]:
    hashed = {hashlib.sha256(key.encode()).hexdigest(): entry for key, entry in keys.items()}
    return {"issuer": ISSUER, "audience": AUDIENCE, "teams": dict(teams), "keys": hashed}
