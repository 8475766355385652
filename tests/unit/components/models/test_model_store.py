"""What a model's volume and its download ask of the cluster."""

import json
from typing import Any

import pulumi_kubernetes as k8s
import pytest
from pulumi import Output

from components.models.model_store import ModelStore, ModelStoreArgs, fetch_request, volume_size
from components.models.weights_programs import Programs
from config.settings.model_store import ModelStoreSettings
from config.settings.models import TokenModelSettings
from tests.support import Recorded, deploy, tier

CLAIM = "kubernetes:core/v1:PersistentVolumeClaim"
JOB = "kubernetes:batch/v1:Job"
CONFIG_MAP = "kubernetes:core/v1:ConfigMap"
POLICY = "kubernetes:networking.k8s.io/v1:NetworkPolicy"
SECRET = "kubernetes:core/v1:Secret"
HUB = ModelStoreSettings.model_validate(
    {
        "source": {"kind": "hub", "endpoint": "https://hub.test"},
        "cidrs": ["198.51.100.0/24"],
        "download_rate": "100M",
    }
)


def model(**given: Any) -> TokenModelSettings:
    base = {"model": "qwen3-4b", "pool": "h200", "context_tokens": 4096}
    return TokenModelSettings.model_validate(base | given)


def ask(*, disposable: bool = False, gated: bool = True, **given: Any) -> Recorded:
    def program() -> None:
        store = ModelStore(
            "chat-weights",
            ModelStoreArgs(
                tier=tier("llm-production", disposable=disposable),
                settings=HUB.model_copy(update=given),
                model=model(),
                shared_storage_class="shared",
                programs=Programs(Output.from_input("fetcher"), Output.from_input("verifier")),
                token=Output.secret("canary-token") if gated else None,
            ),
        )
        k8s.core.v1.ConfigMap(
            "consumer",
            data={
                "claim": store.stored.claim,
                "path": store.stored.path,
                "expected": store.stored.expected,
            },
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
    request = fetch_request(HUB, model(sha256={"model.safetensors": "0" * 64}), "/models")

    assert request == {
        "source": {"kind": "hub", "endpoint": "https://hub.test"},
        "authority": "",
        "repository": "Qwen/Qwen3-4B",
        "revision": "1cfa9a7208912126459214e8b04321603b3df60c",
        "only": [],
        "pickles": [],
        "sha256": {"model.safetensors": "0" * 64},
        "volume": "/models",
        "stamps": "/models/.verified",
    }


def test_pickles_are_taken_only_where_the_catalog_says_that_there_is_nothing_else() -> None:
    commit = "0" * 40
    public = model(model="bge-m3")
    converted = model(model="bge-m3", repository="mirror/bge-m3", revision=commit)

    assert fetch_request(HUB, public, "/models")["pickles"] == ("pytorch_model*.bin", "model.bin")
    assert fetch_request(HUB, converted, "/models")["pickles"] == []


def request_of(asked: Recorded) -> dict[str, Any]:
    """What the Job is asked for, in its first argument."""
    job = asked.one(JOB, "chat-weights-fetch").inputs
    [container] = job["spec"]["template"]["spec"]["containers"]
    return json.loads(container["args"][0])


def test_what_is_verified_before_each_start_is_what_was_downloaded(asked: Recorded) -> None:
    expected = json.loads(asked.one(CONFIG_MAP, "consumer").inputs["data"]["expected"])
    request = request_of(asked)

    # Model servers roll when this changes: where weights come from is not in it.
    assert expected == {
        "folder": f"{request['volume']}/{request['revision']}",
        **{key: request[key] for key in ("repository", "revision", "sha256")},
    }


def test_what_a_model_must_be_is_in_arguments_and_in_no_object_of_its_own(asked: Recorded) -> None:
    assert {each.name for each in asked.of(CONFIG_MAP)} == {"consumer"}
    assert request_of(asked) == json.loads(json.dumps(fetch_request(HUB, model(), "/models")))


def test_a_wrong_file_ends_the_download_at_once_and_its_pod_stays_to_say_which(
    asked: Recorded,
) -> None:
    spec = asked.one(JOB, "chat-weights-fetch").inputs["spec"]
    pod = spec["template"]["spec"]

    assert pod["restartPolicy"] == "Never"
    assert pod["containers"][0]["terminationMessagePolicy"] == "FallbackToLogsOnError"
    assert spec["podFailurePolicy"] == {
        "rules": [{"action": "FailJob", "onExitCodes": {"operator": "In", "values": [3]}}]
    }


def test_a_private_authority_and_a_proxy_are_the_downloads_alone() -> None:
    proxied = ask(authority="PEM", proxy="http://proxy.test:3128")
    [container] = proxied.one(JOB, "chat-weights-fetch").inputs["spec"]["template"]["spec"][
        "containers"
    ]
    data = proxied.one(CONFIG_MAP, "chat-weights-fetch").inputs["data"]
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}

    assert {"name": "HTTPS_PROXY", "value": "http://proxy.test:3128"} in container["env"]
    assert data == {"authority.pem": "PEM"}
    assert request_of(proxied)["authority"] == f"{mounts['authority']}/authority.pem"


def test_only_the_downloads_pods_reach_the_hub(asked: Recorded) -> None:
    policy = asked.one(POLICY, "chat-weights-fetch-allow").inputs["spec"]
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

    assert len(container["args"]) == 1
    assert asked.of(SECRET) == []


def test_the_download_has_the_time_that_its_size_takes(asked: Recorded) -> None:
    spec = asked.one(JOB, "chat-weights-fetch").inputs["spec"]

    assert spec["activeDeadlineSeconds"] == 81 + 600  # 8.04 GB at 100 MB/s, and the rest


@pytest.mark.parametrize("disposable", [True, False])
def test_its_volume_is_protected_unless_the_stack_is_disposable(disposable: bool) -> None:
    claim = ask(disposable=disposable).one(CLAIM, "chat-weights")

    assert claim.protect is not disposable
    assert claim.retain is not disposable
