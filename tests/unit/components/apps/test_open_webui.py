"""What an Open WebUI asks of the cluster."""

import json
import subprocess
from typing import Any

import pytest
from pulumi import Output

from components.apps.open_webui import OpenWebUi, OpenWebUiArgs, env_file, environment
from components.common.contracts import (
    ApiAccess,
    BucketAccess,
    DatabaseAccess,
    OidcClient,
    RedisAccess,
    VectorAccess,
)
from components.common.network import Pods
from config.settings.apps import OpenWebUiSettings
from tests.support import Recorded, deploy, openings, tier

DEPLOYMENT = "kubernetes:apps/v1:Deployment"
JOB = "kubernetes:batch/v1:Job"
SECRET = "kubernetes:core/v1:Secret"

_kept: dict[str, Any] = {}


def pods(name: str) -> Pods:
    return Pods(name, name, {"app.kubernetes.io/instance": name})


def known(text: str) -> Output[str]:
    return Output.from_input(text)


def oidc() -> OidcClient:
    return OidcClient(
        client_id="open-webui",
        client_secret=Output.secret("canary-client"),
        issuer="https://auth.test/realms/r",
        discovery_url=known("https://keycloak:8443/realms/r/.well-known/x"),
        server=pods("keycloak"),
        port=8443,
        user_role="ai-user",
        admin_role="ai-admin",
    )


def ask(reranker: str | None = "reranker", **settings: Any) -> Recorded:
    def program() -> None:
        chat = OpenWebUi(
            "open-webui",
            OpenWebUiArgs(
                tier=tier("llm-apps"),
                settings=OpenWebUiSettings(**settings),
                host="ai.test",
                models=ApiAccess(
                    known("https://router:4000/v1"),
                    Output.secret("canary-sk"),
                    pods("router"),
                    4000,
                ),
                embedding_model="embeddings",
                reranker_model=reranker,
                oidc=oidc(),
                database=DatabaseAccess(
                    host=known("db-rw.llm-data.svc"),
                    port=5432,
                    database="openwebui",
                    user="openwebui",
                    password=Output.secret("canary-db"),
                    server=pods("db"),
                ),
                redis=RedisAccess(known("redis"), 6379, Output.secret("canary-r"), pods("redis")),
                vectors=VectorAccess(
                    known("https://qdrant:6333"), Output.secret("canary-q"), pods("qdrant"), 6333
                ),
                documents=BucketAccess(
                    bucket="llm-documents",
                    endpoint=known("https://minio.minio.svc"),
                    server=pods("minio"),
                    port=9000,
                    access_key=known("open-webui"),
                    secret_key=Output.secret("canary-s3"),
                ),
            ),
        )
        _kept["route"] = chat.route("ai.test")

    return deploy(program)


@pytest.fixture(scope="module")
def asked() -> Recorded:
    return ask()


def pod(asked: Recorded) -> dict[str, Any]:
    return asked.one(DEPLOYMENT, "open-webui").inputs["spec"]["template"]["spec"]


def variables(asked: Recorded) -> dict[str, str]:
    [container] = pod(asked)["containers"]
    return {entry["name"]: entry["value"] for entry in container["env"]}


def test_its_secrets_are_one_file_and_in_no_manifest_of_a_pod(asked: Recorded) -> None:
    secret = asked.one(SECRET, "open-webui")

    assert "stringData" in secret.secrets
    assert secret.inputs["stringData"]["env"].count("canary") >= 9
    assert "canary" not in json.dumps(asked.one(DEPLOYMENT, "open-webui").inputs)
    assert "canary" not in json.dumps(asked.one(JOB, "open-webui-migrate").inputs)


def test_its_database_and_its_redis_are_verified_against_the_stacks_authority(
    asked: Recorded,
) -> None:
    text = asked.one(SECRET, "open-webui").inputs["stringData"]["env"]

    assert "sslmode=verify-full&sslrootcert=/etc/tls/ca.crt" in text
    assert "REDIS_URL='rediss://:canary-r@redis:6379/0?ssl_ca_certs=/etc/tls/ca.crt'" in text


def test_the_file_gives_a_shell_the_very_values() -> None:
    values = {"URL": "postgresql://u:p@h/db?a=1&b=2", "ODD": 'it\'s $HOME `x` "y" # z'}
    script = f"set -a\n{env_file(values)}exec /usr/bin/env"
    seen = subprocess.run(
        ["/bin/sh", "-c", script], env={}, capture_output=True, text=True, check=True
    ).stdout.splitlines()

    assert {f"{key}={value}" for key, value in values.items()} <= set(seen)


def test_only_the_realm_opens_the_door(asked: Recorded) -> None:
    env = variables(asked)

    assert env["ENABLE_SIGNUP"] == "False"
    assert env["ENABLE_LOGIN_FORM"] == "False"
    assert env["ENABLE_OAUTH_SIGNUP"] == "True"
    assert env["OPENID_REDIRECT_URI"] == "https://ai.test/oauth/oidc/callback"
    assert env["OPENID_PROVIDER_URL"] == "https://keycloak:8443/realms/r/.well-known/x"
    assert env["OAUTH_ADMIN_ROLES"] == "ai-admin"


def test_models_and_embeddings_come_through_the_router_and_nothing_from_the_internet(
    asked: Recorded,
) -> None:
    env = variables(asked)

    assert env["OPENAI_API_BASE_URL"] == env["RAG_OPENAI_API_BASE_URL"] == "https://router:4000/v1"
    assert env["RAG_EXTERNAL_RERANKER_URL"] == "https://router:4000/v1/rerank"
    assert env["RAG_EMBEDDING_MODEL"] == "embeddings"
    assert env["OFFLINE_MODE"] == "True"
    assert env["ENABLE_OLLAMA_API"] == "False"


def test_without_a_reranker_it_does_not_look_for_one() -> None:
    looked_for = {"ENABLE_RAG_HYBRID_SEARCH", "RAG_RERANKING_ENGINE", "RAG_EXTERNAL_RERANKER_URL"}

    assert not looked_for & set(variables(ask(reranker=None)))


def test_its_tables_are_migrated_once_before_any_replica_starts(asked: Recorded) -> None:
    deployment = asked.one(DEPLOYMENT, "open-webui")
    [migrate] = asked.one(JOB, "open-webui-migrate").inputs["spec"]["template"]["spec"][
        "containers"
    ]

    assert any(urn.endswith("Job::open-webui-migrate") for urn in deployment.depends_on)
    assert {"name": "ENABLE_DB_MIGRATIONS", "value": "True"} in migrate["env"]
    assert variables(asked)["ENABLE_DB_MIGRATIONS"] == "False"


def test_it_reaches_what_it_uses_and_nothing_else(asked: Recorded) -> None:
    outward = {opening for opening in openings(asked) if "-to-" in opening}

    assert outward == {
        *(
            f"open-webui-to-{server}"
            for server in ("router", "keycloak", "db", "redis", "qdrant", "minio")
        ),
        "open-webui-migrate-to-db",
    }


def test_it_answers_over_tls_and_writes_to_scratch_only(asked: Recorded) -> None:
    [container] = pod(asked)["containers"]

    assert "--ssl-keyfile" in container["args"]
    assert container["readinessProbe"]["httpGet"]["scheme"] == "HTTPS"
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert not [v for v in pod(asked)["volumes"] if "persistentVolumeClaim" in v]


@pytest.mark.usefixtures("asked")
def test_it_lets_people_in_by_itself() -> None:
    assert _kept["route"].paths == ("/",)
    assert _kept["route"].authenticated is False


def test_its_title_and_its_first_model_are_the_stacks() -> None:
    settings = OpenWebUiSettings(name="Assistant", default_model="code")
    env = environment(settings, "ai.test", oidc())

    assert env["WEBUI_NAME"] == "Assistant"
    assert env["DEFAULT_MODELS"] == "code"
