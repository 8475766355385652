"""Looking up the digest of a tag in an image registry: the OCI distribution API, version 2."""

import base64
import hashlib
import ipaddress
import json
import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final, NamedTuple

import httpx

from catalog.images import DIGEST_PATTERN
from weights.errors import WeightsError
from weights.oci import check_receiver

ACCEPT: Final = (
    "application/vnd.oci.image.index.v1+json, "
    "application/vnd.docker.distribution.manifest.list.v2+json, "
    "application/vnd.oci.image.manifest.v1+json, "
    "application/vnd.docker.distribution.manifest.v2+json"
)
# Docker Hub's API has another host name than its images, and `docker login` uses a third.
_API_HOSTS: Final = {"docker.io": "registry-1.docker.io"}
_LOGIN_NAMES: Final = {"docker.io": "https://index.docker.io/v1/"}

_HELPER_SECONDS: Final = 120
"""For someone to unlock a keychain."""

Credentials = tuple[str, str]
"""User and password; never printed."""


class RegistryFailure(NamedTuple):
    """The reason why a registry returned no digest, and the change that solves it."""

    got: str
    change: str
    whole_host: bool = False
    """Whether it would meet every other image of the host too."""


class RegistryError(Exception):
    """A registry returned no digest, or could not be reached."""

    def __init__(self, failure: RegistryFailure) -> None:
        super().__init__(f"{failure.got}. {failure.change}")
        self.failure = failure


def split_reference(repository: str) -> tuple[str, str]:
    """`registry.example:5000/mirror/library/kong` to its host and the path below it."""
    host, _, path = repository.partition("/")
    return host, path


def docker_logins(environment: Mapping[str, str] = os.environ) -> Mapping[str, Credentials]:
    """The logins of `docker login`, by registry, from config.json or the helper that it names.

    A helper is asked when its registry is looked up. Raises RegistryError for a file or a helper
    that cannot be read.
    """
    folder = environment.get("DOCKER_CONFIG") or str(Path.home() / ".docker")
    path = Path(folder) / "config.json"
    if not path.is_file():
        return {}
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        logins = {
            name: (user, password)
            for name, entry in stored.get("auths", {}).items()
            if entry.get("auth")
            for user, _, password in [base64.b64decode(entry["auth"]).decode().partition(":")]
        }
        everywhere = stored.get("credsStore")
        helpers = {name: str(everywhere) for name in stored.get("auths", {}) if everywhere}
        helpers |= {
            str(name): str(helper) for name, helper in stored.get("credHelpers", {}).items()
        }
    except (OSError, ValueError, AttributeError):
        # Without the content, which holds passwords.
        raise RegistryError(
            RegistryFailure(
                f"{path} cannot be read as Docker's login file",
                "Log in again with `docker login`, or set DOCKER_CONFIG to another folder",
            )
        ) from None
    return _Logins(logins, helpers)


class _Logins(Mapping[str, Credentials]):
    """Logins that are known, and those that helpers keep; a helper comes first, as for Docker."""

    def __init__(self, known: Mapping[str, Credentials], helpers: Mapping[str, str]) -> None:
        self._known, self._helpers = known, helpers

    def __getitem__(self, name: str) -> Credentials:
        """The login of *name*. Raises KeyError without one, RegistryError without its helper."""
        if name in self._helpers and (found := _ask_helper(self._helpers[name], name)):
            return found
        return self._known[name]

    def __iter__(self) -> Iterator[str]:
        return iter({**self._known, **self._helpers})

    def __len__(self) -> int:
        return len({**self._known, **self._helpers})


def _ask_helper(helper: str, name: str) -> Credentials | None:
    """What `docker-credential-HELPER get` prints for *name*; None if it has no password for it.

    https://github.com/docker/docker-credential-helpers/blob/v0.9.4/README.md
    """
    program = f"docker-credential-{helper}"
    try:
        if not re.fullmatch(r"[\w.-]+", helper):
            raise FileNotFoundError
        done = subprocess.run(  # noqa: S603 - as Docker starts it
            [program, "get"],
            input=name,
            capture_output=True,
            text=True,
            check=False,
            timeout=_HELPER_SECONDS,
        )
        said: dict[str, Any] = json.loads(done.stdout) if done.returncode == 0 else {}
        user, secret = str(said.get("Username", "")), str(said.get("Secret", ""))
    except (OSError, ValueError, AttributeError, subprocess.TimeoutExpired):
        raise RegistryError(
            RegistryFailure(
                f"{program}, which Docker's config.json names for {name}, does not work",
                "Install it, or log in with another DOCKER_CONFIG",
            )
        ) from None
    # Of `<token>` the secret is no password, but buys tokens of a service that is not asked here.
    return (user, secret) if secret and user not in {"", "<token>"} else None


def resolve_digest(
    client: httpx.Client,
    repository: str,
    tag: str,
    *,
    logins: Mapping[str, Credentials],
    plain_http: bool = False,
) -> str:
    """The digest (`sha256:…`) that `repository:tag` points at: of the index, where there is one.

    `plain_http` uses HTTP, and only for a host of this machine. Raises RegistryError.
    """
    host, path = split_reference(repository)
    login = login_for(host, logins)
    url = f"{api_url(host, plain_http=plain_http)}/v2/{path}/manifests/{tag}"
    try:
        answer = client.head(url, headers={"Accept": ACCEPT})
        headers = {"Accept": ACCEPT}
        if answer.status_code == HTTPStatus.UNAUTHORIZED:
            headers["Authorization"] = _authorize(
                client,
                answer.headers.get("WWW-Authenticate", ""),
                url,
                path,
                login,
                plain_http=plain_http,
            )
            answer = client.head(url, headers=headers)
        _check(answer, repository, tag, logged_in=login is not None)
        digest = str(answer.headers.get("Docker-Content-Digest", ""))
        if not digest:
            answer = client.get(url, headers=headers)
            _check(answer, repository, tag, logged_in=login is not None)
            digest = f"sha256:{hashlib.sha256(answer.content).hexdigest()}"
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise RegistryError(
            RegistryFailure(
                f"{host} cannot be reached ({type(error).__name__}: {error})",
                "Check the network and the proxy",
                whole_host=True,
            )
        ) from error
    if not re.fullmatch(DIGEST_PATTERN, digest):
        raise RegistryError(
            RegistryFailure(
                f"{host} answered with a digest that is not sha256: {digest[:80]!r}",
                "Report it to the registry's operator; this digest cannot be pinned",
            )
        )
    return digest


def login_for(host: str, logins: Mapping[str, Credentials]) -> Credentials | None:
    """The login of registry *host* among *logins*, under the name that `docker login` gives it."""
    return logins.get(_LOGIN_NAMES.get(host, host)) or logins.get(f"https://{host}")


def api_url(host: str, *, plain_http: bool = False) -> str:
    """URL of the API of registry *host*; HTTP only if *plain_http*, and of this machine."""
    if plain_http and is_loopback(host):
        return f"http://{host}"
    return f"https://{_API_HOSTS.get(host, host)}"


def is_loopback(host: str) -> bool:
    """Whether a registry host (with or without port) is this machine."""
    without_port = re.sub(r"(?<=[^:]):\d+$", "", host)
    if without_port == "localhost":
        return True
    try:
        return ipaddress.ip_address(without_port.strip("[]")).is_loopback
    except ValueError:
        return False


def _authorize(
    client: httpx.Client,
    challenge: str,
    registry: str,
    path: str,
    login: Credentials | None,
    *,
    plain_http: bool,
) -> str:
    """The Authorization header that answers a WWW-Authenticate challenge."""
    scheme, _, rest = challenge.partition(" ")
    if scheme.lower() == "basic":
        if login is None:
            raise RegistryError(
                RegistryFailure("the registry requires a login", "Run `docker login` for it first")
            )
        return _basic(login)
    if scheme.lower() != "bearer":
        raise RegistryError(
            RegistryFailure(
                f"the registry requires an unknown kind of authentication: {scheme!r}",
                "Use a registry with the OCI distribution API",
            )
        )
    asked = dict(re.findall(r'(\w+)="([^"]*)"', rest))
    realm = httpx.URL(asked.get("realm", ""))
    local = plain_http and is_loopback(realm.host)
    if realm.scheme != "https" and not local:
        raise RegistryError(
            RegistryFailure(
                f"the registry's token service {str(realm)!r} is not HTTPS",
                "Use a registry with TLS: the login would be sent in clear text",
            )
        )
    if login:
        try:
            check_receiver(registry, str(realm))
        except WeightsError as error:
            [fault] = error.faults
            raise RegistryError(
                RegistryFailure(f"{fault.path} names {fault.got}", f"Use {fault.allowed}")
            ) from None
    answer = client.get(
        realm,
        params={
            "service": asked.get("service", ""),
            "scope": asked.get("scope") or f"repository:{path}:pull",
        },
        headers={"Authorization": _basic(login)} if login else {},
    )
    body: Any = answer.json() if answer.is_success and _is_json(answer) else {}
    token = body.get("token") or body.get("access_token")
    if not token:
        raise RegistryError(
            RegistryFailure(
                f"{realm.host} returned no token (status {answer.status_code})",
                "Run `docker login` again"
                if login
                else "Run `docker login` for the registry if the image is private",
            )
        )
    return f"Bearer {token}"


def _basic(login: Credentials) -> str:
    return f"Basic {base64.b64encode(':'.join(login).encode()).decode()}"


def _is_json(answer: httpx.Response) -> bool:
    try:
        answer.json()
    except ValueError:
        return False
    return True


def _check(answer: httpx.Response, repository: str, tag: str, *, logged_in: bool) -> None:
    status = answer.status_code
    if answer.is_success:
        return
    if status == HTTPStatus.NOT_FOUND:
        raise RegistryError(
            RegistryFailure(
                f"{repository} has no tag {tag}",
                "Correct the repository or tag in catalog/images.yaml, or copy it to the mirror",
            )
        )
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        raise RegistryError(
            RegistryFailure(
                f"access to {repository} is refused (status {status})",
                "Request access: the login may not read it" if logged_in else "Run `docker login`",
            )
        )
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        raise RegistryError(
            RegistryFailure(
                f"{split_reference(repository)[0]} limits the rate of requests",
                "Run `docker login` for a higher limit, or try again later",
                whole_host=True,
            )
        )
    raise RegistryError(
        RegistryFailure(f"{split_reference(repository)[0]} answered {status}", "Try again later")
    )
