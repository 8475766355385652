"""The stack, in the order of its diagram: load, construct, connect, export."""

from functools import partial

import pulumi

from catalog.images import image
from components import program
from components.apps.open_webui import OpenWebUi, OpenWebUiArgs
from components.auth.keycloak import Keycloak, KeycloakArgs
from components.data.deploy import deploy_stores
from components.existing.guard import refuse_unknown_to_state
from components.gateway.kong_gateway import KongGateway, KongGatewayArgs, kong_metrics
from components.models.deploy import deploy_models
from components.models.llm_router import LlmRouter, LlmRouterArgs
from components.monitoring.observability import PROMETHEUS, Observability, ObservabilityArgs
from components.monitoring.prometheus import query_access
from components.platform import Platform, PlatformArgs

stack = program.read_stack()
cluster_opts = program.cluster_options(stack)
ai, auth, monitoring = stack.hosts.ai, stack.hosts.auth, stack.hosts.monitoring
teams = {**stack.teams, "open-webui": stack.open_webui.limits}

# Formatted by hand, one dependency per keyword: the diagram of the README.
# fmt: off
platform = Platform("platform", PlatformArgs(
    settings=stack.platform, gpus=program.gpus(stack),
    image=partial(image, prefix=stack.platform.registry_prefix)), cluster_opts)

stores = deploy_stores(stack, platform, cluster_opts)

keycloak = Keycloak("keycloak", KeycloakArgs(
    tier=platform.tier("auth"), settings=stack.keycloak, hostname=auth,
    clients=program.oidc_clients(stack), teams=list(stack.teams), audience=stack.router.audience,
    database=stores.identities), cluster_opts)

models = deploy_models(
    stack, platform, program.hub_token(),
    query_access(PROMETHEUS, platform.tier("monitoring")), cluster_opts)

router = LlmRouter("router", LlmRouterArgs(
    tier=platform.tier("models"), settings=stack.router, teams=teams,
    issuer=keycloak.issuer, public_key=keycloak.public_key,
    models=models.endpoints, redis=stores.counters), cluster_opts)

chat = OpenWebUi("open-webui", OpenWebUiArgs(
    tier=platform.tier("apps"), settings=stack.open_webui, host=ai,
    embedding_model=stack.models_for("embed")[0],
    reranker_model=next(iter(stack.models_for("rerank")), None), images=models.images,
    transcription_model=next(iter(stack.models_for("transcribe")), None),
    speech_model=next(iter(stack.models_for("speak")), None),
    oidc=keycloak.client("open-webui"), models=router.access("open-webui"),
    database=stores.chats, redis=stores.counters, vectors=stores.vectors,
    documents=stores.documents), cluster_opts)

observability = Observability("observability", ObservabilityArgs(
    tier=platform.tier("monitoring"), settings=stack.observability, host=monitoring,
    oidc=keycloak.client("grafana"), webhook_url=program.alert_webhook_url(stack.observability),
    targets=[*stores.metrics, keycloak.metrics, *models.metrics, router.metrics,
             kong_metrics("kong", platform.tier("gateway"))]), cluster_opts)

gateway = KongGateway("kong", KongGatewayArgs(
    tier=platform.tier("gateway"), settings=stack.gateway,
    teams=stack.teams, team_keys={team: router.team_keys[team] for team in stack.teams},
    issuer=keycloak.issuer, public_key=keycloak.public_key, redis=stores.counters,
    routes=[router.route(ai), chat.route(ai), keycloak.route(auth),
            observability.route(monitoring)]), cluster_opts)
platform.open()
# fmt: on
refuse_unknown_to_state(stack, platform.namespaces)

pulumi.export("urls", program.urls(stack.hosts, keycloak.issuer))
pulumi.export("address", gateway.address)
pulumi.export("administrator", keycloak.admin_secret)
pulumi.export("grafana_administrator", observability.admin_secret)
pulumi.export("team_keys", {team: router.team_key_secrets[team] for team in stack.teams})
pulumi.export("access", program.access_report(stack))
pulumi.export("gpus", program.capacity_report(stack))
