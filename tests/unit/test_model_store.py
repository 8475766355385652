"""What a model's volume and its download ask of the cluster."""

import json
from typing import Any

import pulumi_kubernetes as k8s
import pytest
from pulumi import Output

from components.model_store import ModelStore, ModelStoreArgs, fetch_request, volume_size
from config.model_store import ModelStoreSettings
from config.models import ModelSettings
from tests.support import Recorded, deploy, tier

CLAIM = "kubernetes:core/v1:PersistentVolumeClaim"
JOB = "kubernetes:batch/v1:Job"
CONFIG_MAP = "kubernetes:core/v1:ConfigMap"
POLICY = "kubernetes:networking.k8s.io/v1:NetworkPolicy"
SECRET = "kubernetes:core/v1:Secret"
HUB = ModelStoreSettings(
    endpoint="https://hub.test", cidrs=["198.51.100.0/24"], download_rate="100M"
)


def model(**given: Any) -> ModelSettings:
    base = {"model": "qwen3-4b", "pool": "h200", "context_tokens": 4096}
    return ModelSettings.model_validate(base | given)


def ask(*, disposable: bool = False, gated: bool = True) -> Recorded:
    def program() -> None:
        store = ModelStore(
            "chat-weights",
            ModelStoreArgs(
                tier=tier("llm-production", disposable=disposable),
                settings=HUB,
                model=model(),
                shared_storage_class="shared",
                token=Output.secret("canary-token") if gated else None,
            ),
        )
        k8s.core.v1.ConfigMap(
            "consumer", data={"claim": store.stored.claim, "path": store.stored.path}
        )

    return deploy(program)


@pytest.fixture(scope="module")
def asked() -> Recorded:
    return ask()


def test_who_reads_the_weights_waits_until_they_are_verified(asked: Recorded) -> None:
    consumer = asked.one(CONFIG_MAP, "consumer")

    assert any(urn.endswith("Job::chat-weights-fetch") for urn in consumer.depends_on)
    assert consumer.inputs["data"]["claim"] == "chat-weights-auto"
    assert consumer.inputs["data"]["path"] == f"/models/{model().checkpoint.revision}"


def test_many_pods_may_read_the_volume_and_it_holds_the_next_revision_too(asked: Recorded) -> None:
    spec = asked.one(CLAIM, "chat-weights").inputs["spec"]

    assert spec["accessModes"] == ["ReadWriteMany"]
    assert spec["storageClassName"] == "shared"
    # 4 022 468 096 parameters of 2 bytes, twice, with a tenth more, in GiB
    assert spec["resources"]["requests"]["storage"] == "17Gi"
    assert volume_size(10 * 1024**3) == "22Gi"


def test_the_download_is_of_one_commit_and_takes_no_pickle() -> None:
    request = fetch_request(HUB, model(sha256={"model.safetensors": "0" * 64}))

    assert request == {
        "endpoint": "https://hub.test",
        "repository": "Qwen/Qwen3-4B",
        "revision": "1cfa9a7208912126459214e8b04321603b3df60c",
        "sha256": {"model.safetensors": "0" * 64},
        "pickle": False,
        "volume": "/models",
    }


def test_pickles_are_taken_only_where_the_catalog_says_that_there_is_nothing_else() -> None:
    commit = "0" * 40
    public = model(model="bge-m3")
    converted = model(model="bge-m3", repository="mirror/bge-m3", revision=commit)

    assert fetch_request(HUB, public)["pickle"] is True
    assert fetch_request(HUB, converted)["pickle"] is False


def test_only_the_downloads_pods_reach_the_hub(asked: Recorded) -> None:
    policy = asked.one(POLICY, "chat-weights-fetch-to-hub").inputs["spec"]
    job = asked.one(JOB, "chat-weights-fetch").inputs["spec"]["template"]["metadata"]["labels"]
    [rule] = policy["egress"]

    assert policy["podSelector"]["matchLabels"].items() <= job.items()
    assert rule["to"] == [{"ipBlock": {"cidr": "198.51.100.0/24"}}]
    assert rule["ports"] == [{"port": 443, "protocol": "TCP"}]
    assert len(asked.of(POLICY)) == 1


def test_the_token_is_a_file_and_nothing_else(asked: Recorded) -> None:
    job = asked.one(JOB, "chat-weights-fetch").inputs
    [container] = job["spec"]["template"]["spec"]["containers"]

    assert asked.one(SECRET, "chat-weights-fetch").secrets == {"stringData"}
    assert container["args"][-1] == "/run/secrets/hub/token"
    assert "canary" not in json.dumps(job)


def test_a_public_model_needs_no_token() -> None:
    asked = ask(gated=False)
    [container] = asked.one(JOB, "chat-weights-fetch").inputs["spec"]["template"]["spec"][
        "containers"
    ]

    assert container["args"] == ["/etc/fetch/fetch_model.py", "/etc/fetch/request.json"]
    assert asked.of(SECRET) == []


def test_the_download_has_the_time_that_its_size_takes(asked: Recorded) -> None:
    spec = asked.one(JOB, "chat-weights-fetch").inputs["spec"]

    assert spec["activeDeadlineSeconds"] == 81 + 600  # 8.04 GB at 100 MB/s, and the rest


@pytest.mark.parametrize("disposable", [True, False])
def test_its_volume_is_protected_unless_the_stack_is_disposable(disposable: bool) -> None:
    claim = ask(disposable=disposable).one(CLAIM, "chat-weights")

    assert claim.protect is not disposable
    assert claim.retain is not disposable
