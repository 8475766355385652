"""What a Qdrant asks of the cluster."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from pulumi import Output
from pydantic import ValidationError

from components.common.contracts import BucketAccess
from components.common.network import Pods
from components.data.qdrant import Qdrant, QdrantArgs
from config.settings.data import QdrantSettings, VectorCollection
from tests.support import Recorded, deploy, openings, tier

STATEFUL_SET = "kubernetes:apps/v1:StatefulSet"
SECRET = "kubernetes:core/v1:Secret"
CONFIG_MAP = "kubernetes:core/v1:ConfigMap"


def ask(*, disposable: bool = False, **settings: Any) -> Recorded:
    def program() -> None:
        snapshots = BucketAccess(
            bucket="llm-backups",
            endpoint=Output.from_input("https://minio.minio.svc"),
            server=Pods("minio", "minio", {"v1.min.io/tenant": "llm-storage"}),
            port=9000,
            access_key=Output.from_input("qdrant"),
            secret_key=Output.secret("canary-secret-key"),
        )
        Qdrant(
            "qdrant",
            QdrantArgs(
                tier=tier("llm-data", disposable=disposable),
                settings=QdrantSettings(**settings),
                snapshots=snapshots,
            ),
        )

    return deploy(program)


def test_members_find_each_other_under_names_that_their_certificate_holds() -> None:
    asked = ask(nodes=3)
    members = asked.one(STATEFUL_SET, "qdrant").inputs["spec"]
    [server] = members["template"]["spec"]["containers"]
    hosts = asked.one("tls:index/certRequest:CertRequest", "qdrant").inputs["dnsNames"]

    assert members["replicas"] == 3
    assert server["args"][0] == "qdrant-members.llm-data.svc"
    assert "*.qdrant-members.llm-data.svc" in hosts


@pytest.mark.parametrize(
    ("member", "empty", "answers", "joins"),
    [
        (0, True, None, None),
        (0, True, 2, "https://qdrant-2.qdrant-members.llm-data.svc:6335"),
        (0, False, 2, None),
        (1, True, None, "https://qdrant-0.qdrant-members.llm-data.svc:6335"),
    ],
)
def test_a_member_0_without_its_disk_joins_the_others_and_founds_no_second_cluster(
    tmp_path: Path, member: int, empty: bool, answers: int | None, joins: str | None
) -> None:
    """The script as it is, with a Qdrant that prints its arguments and peers that may answer."""
    # qdrant v1.19.0: the state is raft_state.json (lib/storage/src/content_manager/consensus/
    # persistent.rs:26); with it, --bootstrap is ignored (src/consensus.rs:324-352).
    [server] = (
        ask(nodes=3).one(STATEFUL_SET, "qdrant").inputs["spec"]["template"]["spec"]["containers"]
    )
    for program, text in {
        "qdrant": 'echo "$@"',
        "timeout": f'case "$*" in *qdrant-{answers}.*) exit 0 ;; esac; exit 1',
    }.items():
        (tmp_path / program).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / program).chmod(0o755)
    if not empty:
        (tmp_path / "raft_state.json").touch()
    args = [str(tmp_path) if a == "/qdrant/storage" else a for a in server["args"]]

    started = subprocess.run(
        [*server["command"], *args],
        cwd=tmp_path,
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}", "HOSTNAME": f"qdrant-{member}"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()

    own = f"https://qdrant-{member}.qdrant-members.llm-data.svc:6335"
    bootstrap = ["--bootstrap", joins] if joins else []
    assert started == ["--config-path", "/etc/qdrant/qdrant.yaml", *bootstrap, "--uri", own]


def test_its_configuration_speaks_tls_to_clients_and_to_members() -> None:
    text = ask().one(SECRET, "qdrant").inputs["stringData"]["qdrant.yaml"]
    configuration = json.loads(text)

    assert configuration["service"]["enable_tls"] is True
    assert configuration["cluster"]["p2p"]["enable_tls"] is True
    assert configuration["telemetry_disabled"] is True


@pytest.mark.parametrize(("nodes", "copies"), [(1, 1), (2, 2), (3, 2), (5, 2)])
def test_collections_that_clients_create_have_as_many_copies_as_the_cluster_promises(
    nodes: int, copies: int
) -> None:
    # Open WebUI 0.11.4 names no number (retrieval/vector/dbs/qdrant_multitenancy.py:139); Qdrant
    # 1.19.0 then takes that of its file (lib/storage/src/content_manager/toc/mod.rs:556), else 1.
    asked = ask(nodes=nodes)
    configuration = json.loads(asked.one(SECRET, "qdrant").inputs["stringData"]["qdrant.yaml"])
    files = asked.one(CONFIG_MAP, "qdrant-collections").inputs["data"]
    ours = json.loads(files["collections.json"])["knowledge-base"]

    assert configuration["storage"]["collection"]["replication_factor"] == copies
    assert ours["replication_factor"] == copies


def test_keys_are_marked_secret_and_reach_the_pod_as_a_file_only() -> None:
    asked = ask()
    pod = asked.one(STATEFUL_SET, "qdrant").inputs["spec"]["template"]["spec"]

    assert "stringData" in asked.one(SECRET, "qdrant").secrets
    assert "canary" not in json.dumps(pod)
    assert "canary" not in json.dumps([a.inputs for a in asked.of(CONFIG_MAP)])


def test_the_default_collections_are_created_once_the_members_are_ready() -> None:
    asked = ask()
    job = asked.one("kubernetes:batch/v1:Job", "qdrant-collections")
    definition = json.loads(
        asked.one(CONFIG_MAP, "qdrant-collections").inputs["data"]["collections.json"]
    )

    assert any(urn.endswith("StatefulSet::qdrant") for urn in job.depends_on)
    assert definition["knowledge-base"]["hnsw_config"]["ef_construct"] == 200
    assert definition["knowledge-base"]["quantization_config"]["scalar"]["always_ram"] is True


def test_only_members_the_job_and_the_object_store_are_on_its_paths() -> None:
    assert set(openings(ask())) == {
        "qdrant-to-qdrant",
        "qdrant-from-qdrant",
        "qdrant-collections-to-qdrant",
        "qdrant-from-qdrant-collections",
        "qdrant-to-minio",
        "minio-from-qdrant",
    }


@pytest.mark.parametrize("disposable", [True, False])
def test_its_disks_are_protected_unless_the_stack_is_disposable(disposable: bool) -> None:
    members = ask(disposable=disposable).one(STATEFUL_SET, "qdrant")

    assert members.protect is not disposable
    assert members.retain is not disposable


def test_a_single_member_may_be_evicted_and_three_lose_one_at_a_time() -> None:
    budget = "kubernetes:policy/v1:PodDisruptionBudget"

    assert ask(nodes=1).of(budget) == []
    assert ask(nodes=3).one(budget, "qdrant").inputs["spec"]["maxUnavailable"] == 1


def test_everything_is_a_child_of_the_component() -> None:
    asked = ask()
    ours = [
        a
        for a in asked.values()
        if a.type.startswith("kubernetes:") and a.name != "minio-allow"  # the store's own pods
    ]

    assert {a.parent.split("::")[-1] for a in ours} == {"qdrant"}


def test_a_quantile_that_is_not_a_share_is_refused_by_name() -> None:
    with pytest.raises(ValidationError, match="quantile"):
        VectorCollection(quantile=99)  # pyrefly: ignore[bad-argument-type]
