"""A person's browser on the way through Keycloak's sign-in pages, as the gateway passes it on."""

import base64
import hashlib
import html
import re
import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from components.gateway.kong_gateway import kong_environment
from config.settings.gateway import GatewaySettings
from tests.conformance.peers.keycloak import Keycloak
from tests.conformance.peers.process import ANSWER_SECONDS

_FORM = re.compile(r'<form[^>]*\saction="([^"]+)"')
_MOST_PAGES = 10
_PORT = kong_environment(GatewaySettings())["KONG_PORT_MAPS"].partition(":")[0]
"""What the gateway says that it was reached at."""
PASSWORD = "chosen-at-the-first-sign-in-1"


class Browser:
    """Keeps the cookies of one person, who is sent to *public* and reaches *server* instead."""

    def __init__(self, server: Keycloak, public: str) -> None:
        self._server, self._public = server, public
        self.chosen = False
        """Whether a new password was asked for."""
        host = urlsplit(public).netloc
        self._client = httpx.Client(
            verify=server.trust,
            timeout=ANSWER_SECONDS,
            headers={
                "X-Forwarded-Proto": "https",
                "X-Forwarded-Host": host,
                "X-Forwarded-Port": _PORT,
            },
        )

    def get(self, path: str) -> httpx.Response:
        """What the server answers at *path*."""
        return self._client.get(f"{self._server.url}{path}")

    def authorize(self, realm: str, client: str, callback: str, **more: str) -> httpx.Response:
        """The first answer to an application that sends the person to sign in."""
        parameters = {
            "client_id": client,
            "redirect_uri": callback,
            "response_type": "code",
            "scope": "openid email profile",
            **more,
        }
        url = f"{self._server.url}/realms/{realm}/protocol/openid-connect/auth"
        return self._client.get(url, params=parameters, headers=self._cookies())

    def sign_in(
        self, realm: str, client: Mapping[str, Any], user: str, password: str
    ) -> dict[str, Any]:
        """The answer of the token endpoint to *client* (of a realm file), by a code with PKCE.

        Pages that ask for a profile or for a new password are filled in, the latter with PASSWORD.
        """
        [callback] = client["redirectUris"]
        verifier = secrets.token_urlsafe(48)
        digest = hashlib.sha256(verifier.encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        answer = self.authorize(
            realm,
            client["clientId"],
            callback,
            code_challenge=challenge,
            code_challenge_method="S256",
        )
        answers = {"username": user, "password": password}
        for _ in range(_MOST_PAGES):
            location = answer.headers.get("location", "")
            if location.startswith(callback):
                [code] = parse_qs(urlsplit(location).query)["code"]
                return self._server.token(
                    realm,
                    client["clientId"],
                    client["secret"],
                    grant_type="authorization_code",
                    code=code,
                    redirect_uri=callback,
                    code_verifier=verifier,
                )
            if location:
                answer = self._client.get(self._here(location), headers=self._cookies())
            else:
                answer = self._submit(answer, answers)
        message = f"no code after {_MOST_PAGES} pages; the last one: {answer.text[:2000]}"
        raise AssertionError(message)

    def _submit(self, page: httpx.Response, answers: Mapping[str, str]) -> httpx.Response:
        form = _FORM.search(page.text)
        assert form, f"{page.status_code} {page.text[:2000]}"
        if 'name="password-new"' in page.text:
            self.chosen = True
            data = {"password-new": PASSWORD, "password-confirm": PASSWORD}
        elif 'name="firstName"' in page.text:
            data = {**answers, "firstName": "Ada", "lastName": "B", "email": "ada@entreprise.fr"}
        else:
            data = dict(answers)
        action = self._here(html.unescape(form[1]))
        return self._client.post(action, data=data, headers=self._cookies())

    def _here(self, url: str) -> str:
        return url.replace(self._public, self._server.url)

    def _cookies(self) -> dict[str, str]:
        """By hand: they are the public host's, not localhost's."""
        held = "; ".join(f"{c.name}={c.value}" for c in self._client.cookies.jar)
        return {"Cookie": held} if held else {}
