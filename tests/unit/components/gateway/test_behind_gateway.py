"""What each part behind the gateway checks of a request fits what the gateway sends to it.

The checks, with the lines of the programs: docs/reference/run-time.md.
"""

from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest
from pulumi import Output

from components.apps import open_webui
from components.auth.keycloak import keycloak_conf
from components.common.contracts import DatabaseAccess, OidcClient, RedisAccess, Route, Upstream
from components.common.network import Pods
from components.gateway.kong_config import Realm, kong_config
from components.gateway.kong_gateway import KongGateway, kong_environment
from components.models import llm_router
from components.models.router_config import router_config
from components.monitoring import grafana
from config.settings.apps import OpenWebUiSettings
from config.settings.gateway import GatewaySettings
from config.settings.identity import KeycloakSettings
from config.settings.router import RouterSettings

PUBLIC = "part.example.org"
INSIDE = "part.tier.svc"
ANY = Pods("any", "any")
PASSWORD = "canary"
REDIS = RedisAccess("redis.data.svc", 6379, PASSWORD, ANY)


@dataclass(frozen=True)
class Sent:
    """A browser's request of `https://PUBLIC` as it leaves the gateway."""

    host: str
    origin: str
    forwarded_host: str
    forwarded_port: int


@pytest.fixture(scope="module")
def sent() -> Sent:
    """Kong 3.9: kong/runloop/handler.lua, `access`; `preserve_host` and `port_maps` decide."""
    upstream = Upstream(url=Output.from_input(""), server=ANY, port=8443)
    config = kong_config(
        GatewaySettings(),
        [Route("part", PUBLIC, upstream)],
        urls={"part": f"https://{INSIDE}:8443"},
        authority="",
        realm=Realm("https://auth.example.org/realms/x", ""),
        teams={},
        redis=REDIS,
    )
    [service] = config["services"]
    [route] = service["routes"]
    maps = kong_environment(GatewaySettings()).get("KONG_PORT_MAPS", "")
    ports = {int(inside): int(outside) for outside, _, inside in [maps.partition(":")] if inside}
    inside = urlsplit(service["url"]).hostname or ""
    return Sent(
        host=PUBLIC if route["preserve_host"] else inside,
        origin=f"https://{PUBLIC}",
        forwarded_host=PUBLIC,
        forwarded_port=ports.get(KongGateway.port, KongGateway.port),
    )


def test_the_upstream_is_asked_by_its_own_name_so_that_its_certificate_can_be_verified(
    sent: Sent,
) -> None:
    assert (sent.host, sent.forwarded_port) == (INSIDE, 443)


def test_grafana_trusts_the_origin_of_a_post_and_of_its_live_websocket(sent: Sent) -> None:
    env = grafana.environment(PUBLIC)
    origin = urlsplit(sent.origin)

    # pkg/middleware/csrf/csrf.go, check: the host of Origin is trusted, or that of the request.
    trusted = env.get("GF_SECURITY_CSRF_TRUSTED_ORIGINS", "").split()
    assert origin.hostname in {*trusted, sent.host}
    # pkg/services/live/live.go, checkAllowedOrigin: scheme and host of root_url.
    root = urlsplit(env["GF_SERVER_ROOT_URL"])
    assert (origin.scheme, origin.hostname) == (root.scheme, root.hostname)


def test_open_webui_takes_the_origin_of_its_websockets_and_builds_urls_of_the_public_host(
    sent: Sent,
) -> None:
    oidc = OidcClient(
        client_id="open-webui",
        client_secret=Output.from_input(""),
        issuer="",
        discovery_url=Output.from_input(""),
        server=ANY,
        port=8443,
        user_role="user",
        admin_role="admin",
    )
    env = open_webui.environment(OpenWebUiSettings(default_model="chat"), PUBLIC, oidc)

    # open_webui/socket/main.py:70 and main.py:833, 0.11.4.
    assert sent.origin in env["CORS_ALLOW_ORIGIN"].split(";")
    # open_webui/utils/oauth.py:1319 and others would take the request's own URL.
    assert env["WEBUI_URL"] == sent.origin
    assert env["OPENID_REDIRECT_URI"].startswith(f"{sent.origin}/")


def test_keycloak_takes_a_request_through_the_gateway_for_one_of_its_public_url(
    sent: Sent,
) -> None:
    database = DatabaseAccess(
        host="db", port=5432, database="keycloak", user="keycloak", password=PASSWORD, server=ANY
    )
    text = keycloak_conf(
        KeycloakSettings(), hostname=PUBLIC, database=database, admin_password=PASSWORD
    )
    options = dict(line.split("=", 1) for line in text.splitlines())

    # services/…/url/HostnameV2Provider.java, isFrontendRequest: scheme, host and port of what the
    # headers say against `hostname`; otherwise the token endpoint is announced with their port.
    assert options["proxy-headers"] == "xforwarded"
    assert options["hostname-backchannel-dynamic"] == "true"
    front = urlsplit(options["hostname"])
    assert (front.hostname, front.port or 443) == (sent.forwarded_host, sent.forwarded_port)


def test_the_router_compares_nothing_with_the_host_and_trusts_no_forwarded_address() -> None:
    config = router_config(RouterSettings(), models=[], redis=REDIS, master_key="sk", ca_file="ca")

    # litellm/proxy/auth/auth_utils.py:88 and proxy_server.py:2637, 1.106.2.
    assert "use_x_forwarded_for" not in config["general_settings"]
    assert not [name for name in llm_router.ENVIRONMENT if name.startswith("LITELLM_CORS")]
