"""Cases of the rules about what only Pulumi knows, and about how changes reach the pods."""

from typing import Any

from policies.rules.model import Managed
from tests.policies.cases import Case, Compliant, NotApplicable, Violating
from tests.policies.manifests import (
    BOX,
    CANARY,
    POD,
    Manifest,
    change,
    claim,
    config_map,
    database,
    job,
    secret,
    tenant,
    workload,
)

_BARE, _KEPT = Managed(False, frozenset()), Managed(True, frozenset({"stringData"}))
_CLAIMS = ("spec", "volumeClaimTemplates")
_WAIT = ("metadata", "annotations")
_READY = {"pulumi.com/waitFor": "condition=Ready"}

MANAGED: tuple[Case, ...] = (
    *(
        Violating(
            "protected-data",
            f"{sentence} that a replacement deletes",
            [manifest],
            "protect",
            managed=_BARE,
        )
        for sentence, manifest in (
            ("a claim", claim()),
            ("a database", database()),
            ("an object store", tenant()),
        )
    ),
    Violating(
        "protected-data",
        "a StatefulSet with claims that a replacement deletes",
        [change(workload("StatefulSet"), _CLAIMS, [{"metadata": {"name": "data"}}])],
        "protect",
        (0, _CLAIMS),
        managed=_BARE,
    ),
    Compliant("protected-data", "a protected claim", [claim()], managed=_KEPT),
    Compliant(
        "protected-data", "a StatefulSet without claims", [workload("StatefulSet")], managed=_BARE
    ),
    Compliant("protected-data", "a claim of which only the manifest is known", [claim()]),
    NotApplicable("protected-data", "a Deployment", [workload()], managed=_BARE),
    Violating(
        "marked-secrets",
        "a password that is not marked",
        [secret(password=CANARY)],
        "stringData",
        (0, ("stringData",)),
        managed=_BARE,
    ),
    Compliant("marked-secrets", "one that is", [secret(password=CANARY)], managed=_KEPT),
    Compliant("marked-secrets", "a plain manifest", [secret(password=CANARY)]),
    Compliant(
        "marked-secrets",
        "a token that the cluster fills in",
        [{**secret(extra="x"), "type": "kubernetes.io/service-account-token"}],
        managed=_BARE,
    ),
    NotApplicable("marked-secrets", "a ConfigMap", [config_map(a="b")], managed=_BARE),
    Violating(
        "custom-resource-awaited",
        "a database that nobody waits for",
        [database()],
        "waitFor",
        (0, _WAIT),
        managed=_KEPT,
    ),
    Compliant(
        "custom-resource-awaited",
        "one that is waited for",
        [change(database(), _WAIT, _READY)],
        managed=_KEPT,
    ),
    Compliant("custom-resource-awaited", "a plain manifest", [database()]),
    NotApplicable("custom-resource-awaited", "a Deployment", [workload()], managed=_KEPT),
)

_HASHED = ("spec", "template", "metadata", "annotations")


def _reading(**source: Any) -> Manifest:
    return change(workload(), (*POD, "volumes", 0), {"name": "files", **source})


_OF_CHAT = _reading(configMap={"name": "chat"})

ROLLOUT: tuple[Case, ...] = (
    Violating(
        "config-rolls-pods",
        "a ConfigMap that changes under its name",
        [_OF_CHAT, config_map(a="b")],
        "volumes",
        (1, ("metadata", "name")),
    ),
    Violating(
        "config-rolls-pods",
        "a Secret that changes under its name",
        [_reading(secret={"secretName": "chat"}), secret(a="b")],
        "volumes",
        (0, _HASHED),
    ),
    Violating(
        "config-rolls-pods",
        "a projected one",
        [_reading(projected={"sources": [{"configMap": {"name": "chat"}}]}), config_map(a="b")],
        "volumes",
    ),
    Violating(
        "config-rolls-pods",
        "one in the environment",
        [
            change(workload(), (*BOX, "envFrom", 0), {"configMapRef": {"name": "chat"}}),
            config_map(a="b"),
        ],
        "volumes",
    ),
    Compliant(
        "config-rolls-pods", "an immutable one", [_OF_CHAT, {**config_map(), "immutable": True}]
    ),
    Compliant(
        "config-rolls-pods",
        "one that Pulumi names",
        [
            _OF_CHAT,
            change(config_map(), ("metadata", "annotations"), {"pulumi.com/autonamed": "true"}),
        ],
    ),
    Compliant(
        "config-rolls-pods",
        "one whose hash is on the pods",
        [change(_OF_CHAT, _HASHED, {"checksum/config": "1f"}), config_map(a="b")],
    ),
    NotApplicable("config-rolls-pods", "a Job", [job()]),
)
