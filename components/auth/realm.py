"""The realm that Keycloak imports: groups, roles, applications, and the signing key."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import Field

from base.model import Model
from config.settings.identity import KeycloakSettings

USER_ROLE, ADMIN_ROLE = "ai-user", "ai-admin"
"""Realm roles: every member of a team has the first; the second is granted to single users."""
FIRST_ADMINISTRATOR = "admin"
_DAY = 24 * 3600
_KEY_PRIORITY = "200"
"""Above the 100 of the keys that Keycloak generates, so that this one signs."""


class Client(Model):
    """An application that signs people in, or (without redirects) a service account."""

    client_id: str
    redirect_uris: list[str] = Field(default_factory=list[str])
    """Exact `https://…` callbacks of the authorization code flow."""
    for_api: bool = False
    """The API is an audience of its tokens."""
    team: str | None = None
    """Team of its service account (client credentials)."""


def issuer(host: str, settings: KeycloakSettings) -> str:
    """The `iss` claim of every token, which is the public URL of the realm."""
    return f"https://{host}/realms/{settings.realm}"


def realm(
    settings: KeycloakSettings,
    *,
    clients: Sequence[Client],
    client_secrets: Mapping[str, str],
    teams: Sequence[str],
    audience: str,
    private_key: str,
    admin_password: str,
) -> dict[str, Any]:
    """A realm import file, as data; it contains secrets.

    *client_secrets* by client ID; *audience* of tokens for the API; *private_key* as PEM.

    Keycloak imports it only while the realm does not exist.

    https://www.keycloak.org/docs-api/latest/rest-api/index.html#RealmRepresentation
    """
    return {
        "realm": settings.realm,
        "enabled": True,
        "sslRequired": "all",
        "registrationAllowed": False,
        "loginWithEmailAllowed": True,
        "duplicateEmailsAllowed": False,
        "editUsernameAllowed": False,
        "rememberMe": False,
        "internationalizationEnabled": True,
        "supportedLocales": ["fr", "en"],
        "defaultLocale": "fr",
        "passwordPolicy": " and ".join(
            [
                f"length({settings.password_min_length})",
                f"passwordHistory({settings.password_history})",
                "notUsername(undefined)",
                "notEmail(undefined)",
            ]
        ),
        "bruteForceProtected": True,
        "permanentLockout": False,
        "failureFactor": settings.login_failures,
        "maxFailureWaitSeconds": settings.lock_minutes * 60,
        "waitIncrementSeconds": 60,
        "accessTokenLifespan": settings.access_token_minutes * 60,
        "ssoSessionIdleTimeout": settings.session_idle_minutes * 60,
        "ssoSessionMaxLifespan": settings.session_max_hours * 3600,
        "defaultSignatureAlgorithm": "RS256",
        "eventsEnabled": True,
        "eventsExpiration": settings.event_days * _DAY,
        "eventsListeners": ["jboss-logging"],
        "adminEventsEnabled": True,
        "adminEventsDetailsEnabled": True,
        "roles": {
            "realm": [
                {"name": USER_ROLE, "description": "Uses the models."},
                {"name": ADMIN_ROLE, "description": "Administers the applications."},
            ]
        },
        "groups": [{"name": team, "path": f"/{team}", "realmRoles": [USER_ROLE]} for team in teams],
        "clients": [
            _client(client, client_secrets[client.client_id], audience) for client in clients
        ],
        # Clients see these two roles only, so that an administrator's token in the hands of an
        # application grants nothing in Keycloak itself.
        "scopeMappings": [
            {"client": client.client_id, "roles": [USER_ROLE, ADMIN_ROLE]} for client in clients
        ],
        "users": [
            _first_administrator(admin_password),
            *(_account(client) for client in clients if not client.redirect_uris),
        ],
        "components": {"org.keycloak.keys.KeyProvider": _keys(private_key)},
    }


def _client(client: Client, secret: str, audience: str) -> dict[str, Any]:
    people = bool(client.redirect_uris)
    return {
        "clientId": client.client_id,
        "enabled": True,
        "protocol": "openid-connect",
        "publicClient": False,
        "clientAuthenticatorType": "client-secret",
        "secret": secret,
        "redirectUris": client.redirect_uris,
        "webOrigins": [],
        "standardFlowEnabled": people,
        "implicitFlowEnabled": False,
        "directAccessGrantsEnabled": False,
        "serviceAccountsEnabled": not people,
        "fullScopeAllowed": False,
        "attributes": {
            "pkce.code.challenge.method": "S256",
            "post.logout.redirect.uris": "+",
        },
        "protocolMappers": [
            _mapper("groups", "oidc-group-membership-mapper", {"full.path": "false"}),
            _mapper("roles", "oidc-usermodel-realm-role-mapper", {"multivalued": "true"}),
            *([_audience(audience)] if client.for_api else []),
        ],
    }


def _mapper(claim: str, kind: str, config: Mapping[str, str]) -> dict[str, Any]:
    """*claim* in every token and in the response of the userinfo endpoint."""
    return {
        "name": claim,
        "protocol": "openid-connect",
        "protocolMapper": kind,
        "config": {
            "claim.name": claim,
            "access.token.claim": "true",
            "id.token.claim": "true",
            "userinfo.token.claim": "true",
            "introspection.token.claim": "true",
            **config,
        },
    }


def _audience(audience: str) -> dict[str, Any]:
    return {
        "name": "api-audience",
        "protocol": "openid-connect",
        "protocolMapper": "oidc-audience-mapper",
        "config": {"included.custom.audience": audience, "access.token.claim": "true"},
    }


def _account(client: Client) -> dict[str, Any]:
    return {
        "username": f"service-account-{client.client_id}",
        "enabled": True,
        "serviceAccountClientId": client.client_id,
        "groups": [f"/{client.team}"] if client.team else [],
    }


def _first_administrator(password: str) -> dict[str, Any]:
    """The administrator who creates other users; must set a new password first."""
    return {
        "username": FIRST_ADMINISTRATOR,
        "enabled": True,
        "credentials": [{"type": "password", "value": password, "temporary": True}],
        "requiredActions": ["UPDATE_PASSWORD", "UPDATE_PROFILE"],
        "realmRoles": [USER_ROLE, ADMIN_ROLE],
        "clientRoles": {"realm-management": ["realm-admin"]},
    }


def _keys(private_key: str) -> list[dict[str, Any]]:
    """The stack's key signs tokens; the others are those that Keycloak generates by default."""

    def key(provider: str, **config: str) -> dict[str, Any]:
        return {
            "name": provider,
            "providerId": provider,
            "subComponents": {},
            "config": {name: [value] for name, value in config.items()},
        }

    return [
        key(
            "rsa",
            priority=_KEY_PRIORITY,
            enabled="true",
            active="true",
            algorithm="RS256",
            privateKey=private_key,
        ),
        key("rsa-enc-generated", priority="100", algorithm="RSA-OAEP"),
        key("hmac-generated", priority="100", algorithm="HS512"),
        key("aes-generated", priority="100"),
    ]
