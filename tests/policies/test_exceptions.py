"""Exceptions let through exactly what they name, and only with a reason."""

import pytest

from policies import Resource, check
from policies.exemptions import EXEMPTIONS, Exemption
from policies.rules.tls import PLAINTEXT
from tests.policies.manifests import (
    BOX,
    LABELS,
    POD,
    Manifest,
    change,
    obscured,
    service,
    workload,
)

_METADATA = ("spec", "template", "metadata")


def driver(name: str) -> Manifest:
    labels = {**LABELS, "app.kubernetes.io/name": name}
    return change(workload("DaemonSet"), (*_METADATA, "labels"), labels)


def mounting(manifest: Manifest, path: str) -> Manifest:
    return change(manifest, (*POD, "volumes", 0), {"name": "node", "hostPath": {"path": path}})


def rules_broken(manifest: Manifest) -> set[str]:
    return {f.rule for f in check([Resource.of(manifest)], stack_rules=())}


def test_the_device_plugin_may_mount_the_directory_that_its_exemption_names() -> None:
    plugin = driver("nvidia-device-plugin")
    assert "no-host-path" not in rules_broken(mounting(plugin, "/var/lib/kubelet/device-plugins"))


@pytest.mark.parametrize("path", ["/", "/var/lib/kubelet", "/var/lib/kubelet/device-plugins/.."])
def test_the_device_plugin_may_mount_nothing_else_of_the_node(path: str) -> None:
    assert "no-host-path" in rules_broken(mounting(driver("nvidia-device-plugin"), path))


def test_another_workload_may_not_mount_what_the_device_plugin_may() -> None:
    assert "no-host-path" in rules_broken(mounting(workload(), "/var/lib/kubelet/device-plugins"))


def test_the_exporter_may_be_root_but_gains_no_capability() -> None:
    root = change(driver("dcgm-exporter"), (*BOX, "securityContext", "runAsUser"), 0)
    assert rules_broken(root) == set()
    capable = change(root, (*BOX, "securityContext", "capabilities", "add"), ["SYS_ADMIN"])
    assert rules_broken(capable) == {"restricted-security-context"}


def test_drivers_may_write_to_their_image_and_others_may_not() -> None:
    writable = (*BOX, "securityContext", "readOnlyRootFilesystem"), False
    assert rules_broken(change(driver("dcgm-exporter"), *writable)) == set()
    assert rules_broken(change(workload(), *writable)) == {"read-only-root-filesystem"}


@pytest.mark.parametrize("exemption", EXEMPTIONS, ids=lambda e: f"{e.name} from {e.rule}")
def test_every_exemption_gives_a_reason_and_names_what_it_lets_through(
    exemption: Exemption,
) -> None:
    assert exemption.reason.endswith(".")
    assert exemption.subjects
    assert "*" not in exemption.subjects


_SPEAKS_HTTP = change(service(), ("spec", "ports", 0), {"name": "http", "port": 8080})


def test_a_reason_on_the_object_waives_tls() -> None:
    waived = change(_SPEAKS_HTTP, ("metadata", "annotations"), {PLAINTEXT: "answers ACME only"})
    assert rules_broken(waived) == set()


@pytest.mark.parametrize("reason", ["", "  ", None, True])
def test_an_empty_reason_waives_nothing(reason: object) -> None:
    annotated = change(_SPEAKS_HTTP, ("metadata", "annotations"), {PLAINTEXT: reason})
    assert rules_broken(annotated) == {"tls-port"}


def test_a_reason_on_the_pod_template_waives_the_probes_of_the_workload() -> None:
    plain = change(workload(), (*BOX, "livenessProbe", "httpGet", "scheme"), "HTTP")
    assert rules_broken(plain) == {"tls-probe"}
    annotations = {PLAINTEXT: "the exporter of the vendor has no TLS"}
    assert rules_broken(change(plain, (*_METADATA, "annotations"), annotations)) == set()


def test_a_reason_that_the_preview_does_not_know_is_judged_by_the_update() -> None:
    annotated = change(_SPEAKS_HTTP, ("metadata", "annotations"), {PLAINTEXT: ""})
    assert rules_broken(obscured(annotated, ("metadata", "annotations", PLAINTEXT))) == set()


def test_a_reason_for_plaintext_waives_nothing_but_tls() -> None:
    privileged = change(
        workload(),
        (*BOX, "securityContext", "privileged"),
        True,
        ("metadata", "annotations"),
        {PLAINTEXT: "answers ACME only"},
    )
    assert rules_broken(privileged) == {"no-privileged"}


def test_a_finding_that_can_be_waived_says_how() -> None:
    [finding] = check([Resource.of(_SPEAKS_HTTP)])
    assert PLAINTEXT in finding.change
