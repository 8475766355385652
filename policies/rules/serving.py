"""Model servers and related programs: offline, pinned revisions, startup and drain times."""

import re
from collections.abc import Iterator, Mapping

from policies.rules.frameworks import RGPD_44
from policies.rules.model import UNKNOWN, Finding, Node, Resource, Rule, Severity
from policies.rules.pods import SERVING, WORKLOADS, Container, containers
from policies.rules.reading import get, missing, quantity, shown
from policies.rules.servers import (
    command_known,
    model_servers,
    option,
    program,
    words,
)

_YES = frozenset({"1", "true", "yes", "on"})
_NO = frozenset({"0", "false", "no", "off"})
_HUB = {"HF_HUB_OFFLINE": _YES}
_SWITCHES: Mapping[str, Mapping[str, frozenset[str]]] = {
    "vllm-openai": {**_HUB, "DO_NOT_TRACK": _YES},
    "text-generation-inference": _HUB,
    "text-embeddings-inference": _HUB,
    "infinity": {**_HUB, "DO_NOT_TRACK": _YES},
    "speaches": _HUB,
    "comfyui-boot": _HUB,
    "tritonserver": _HUB,
    "open-webui": {
        "OFFLINE_MODE": _YES,
        "ANONYMIZED_TELEMETRY": _NO,
        "ENABLE_VERSION_UPDATE_CHECK": _NO,
    },
    "grafana": {"GF_ANALYTICS_REPORTING_ENABLED": _NO, "GF_ANALYTICS_CHECK_FOR_UPDATES": _NO},
    "kong": {"KONG_ANONYMOUS_REPORTS": _NO},
    "litellm": {"LITELLM_LOCAL_MODEL_COST_MAP": _YES},
}
"""Variables that stop telemetry and hub access, by last segment of the image repository.

huggingface_hub, package_reference/environment_variables; vLLM, usage/usage_stats; Open WebUI,
getting-started/env-configuration; Grafana, configure-grafana#analytics; Kong,
reference/configuration#anonymous_reports; LiteLLM, proxy/model_cost_map. Settings in a file of a
Secret (Qdrant's telemetry_disabled) are not checked.
"""


def _environment(container: Container) -> dict[str, Node] | None:
    """Its environment variables; None if not all are known."""
    if UNKNOWN in (get(container.spec, "env"), get(container.spec, "envFrom")):
        return None
    if not missing(container.spec, "envFrom"):
        return None
    listed = [(get(v, "name"), get(v, "value", default=UNKNOWN)) for _, v in _variables(container)]
    return None if any(name is UNKNOWN for name, _ in listed) else dict(listed)


def _variables(container: Container) -> Iterator[tuple[int, Node]]:
    found = get(container.spec, "env", default=[])
    yield from enumerate(found)


def _online(resource: Resource) -> Iterator[Finding]:
    for container in containers(resource, init=False):
        wanted = _SWITCHES.get(program(get(container.spec, "image")), {})
        given = _environment(container) if wanted else None
        if given is None:
            continue
        for name, allowed in wanted.items():
            got = given.get(name)
            if got is UNKNOWN or (isinstance(got, str) and got.lower() in allowed):
                continue
            at = "missing" if got is None else "another value (not shown)"
            path = f"{container.path}.env[{name}]"
            yield Finding(path, at, " or ".join(sorted(allowed)), subject=name)


OFFLINE = Rule(
    "offline-switches",
    "Programs that contact a model hub or their vendor by default have it switched off.",
    "They send versions, models and usage to third parties, or fail if those are unreachable.",
    "set the variable on the container",
    WORKLOADS,
    Severity.HIGH,
    _online,
    covers=("offline-switches",),
    frameworks=(RGPD_44,),
)

_MODEL = ("--model", "--model-id", "--model-path")
_REVISION = ("--revision", "--model-revision")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+")
"""A model name on a hub, OWNER/MODEL; a local path starts with a slash."""


def _unpinned(resource: Resource) -> Iterator[Finding]:
    for _, container in model_servers(resource):
        if not command_known(container):
            continue
        model = option(container, *_MODEL) or _served(container)
        revision = option(container, *_REVISION)
        if model is None or not _REPOSITORY.fullmatch(model):
            continue
        if revision is None or not _COMMIT.fullmatch(revision):
            allowed = "--revision with a 40-digit commit, or a local path of the weights"
            got = f"the model {model} at revision {revision or 'latest'}"
            yield Finding(f"{container.path}.args", got, allowed)


def _served(container: Container) -> str | None:
    """The word after `serve`, as in `vllm serve MODEL`."""
    line = words(container)
    after = line.index("serve") + 1 if "serve" in line else len(line)
    return line[after] if after < len(line) else None


REVISION = Rule(
    "model-revision",
    "A model server uses a pinned commit of its model, or local weights.",
    "The owner of the repository can change the files behind the name, including code.",
    "add --revision with the commit, or serve from the model store",
    WORKLOADS,
    Severity.HIGH,
    _unpinned,
    covers=("model-revision",),
)

_FAILURES, _PERIOD, _DEADLINE, _GRACE = 3, 10, 600, 30
"""Defaults of failureThreshold, periodSeconds, progressDeadlineSeconds and
terminationGracePeriodSeconds: https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/
"""


def _impatient(resource: Resource) -> Iterator[Finding]:
    for _, container in model_servers(resource):
        path = f"{container.path}.startupProbe"
        probe = get(container.spec, "startupProbe")
        if probe is None and "--headless" in words(container):
            continue  # a worker of a multi-node server has no API; its leader has the probe
        if probe is None:
            allowed = "a startup probe that covers the load time of the weights"
            yield Finding(path, "missing", allowed)
            continue
        times = quantity(get(probe, "failureThreshold", default=_FAILURES))
        period = quantity(get(probe, "periodSeconds", default=_PERIOD))
        deadline = quantity(
            get(resource.props, "spec", "progressDeadlineSeconds", default=_DEADLINE)
        )
        if None in (times, period, deadline) or resource.kind != "Deployment.apps":
            continue
        budget = (times or 0) * (period or 0)
        if deadline is not None and deadline < budget:
            allowed = f"{budget:g} s or more, the startup probe's total time"
            yield Finding("spec.progressDeadlineSeconds", f"{deadline:g} s", allowed)


STARTUP = Rule(
    "startup-budget",
    "A model server has a startup probe, and progressDeadlineSeconds covers its total time.",
    "Otherwise the liveness probe kills the server while it loads, or a healthy rollout times out.",
    "add a startupProbe for the load time, and raise progressDeadlineSeconds to match",
    WORKLOADS - {"Pod"},
    Severity.HIGH,
    _impatient,
    covers=("startup-budget",),
)


def _hurried(resource: Resource) -> Iterator[Finding]:
    for pod, container in model_servers(resource):
        grace = quantity(get(pod.spec, "terminationGracePeriodSeconds", default=_GRACE))
        slept = get(container.spec, "lifecycle", "preStop", "sleep", "seconds", default=0)
        sleep = quantity(slept)
        drain = option(container, "--shutdown-timeout") if command_known(container) else None
        if grace is None or sleep is None:
            continue
        needed = sleep + (quantity(drain) or 0 if drain else 0)
        path = f"{pod.path}.terminationGracePeriodSeconds"
        if missing(pod.spec, "terminationGracePeriodSeconds"):
            got = f"the default, {_GRACE} s"
            yield Finding(path, got, "the duration of the longest response")
        elif grace < needed:
            got, allowed = shown(grace), f"{needed:g} or more: preStop sleep plus shutdown timeout"
            yield Finding(path, got, allowed)


DRAIN = Rule(
    "drain-time",
    "The grace period of a model server covers its preStop sleep and its drain time.",
    "Otherwise every rollout cuts off running responses.",
    "raise terminationGracePeriodSeconds",
    SERVING | {"LeaderWorkerSet.leaderworkerset.x-k8s.io", "DaemonSet.apps"},
    Severity.MEDIUM,
    _hurried,
    covers=("drain-time",),
)

RULES = (OFFLINE, REVISION, STARTUP, DRAIN)
