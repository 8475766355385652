"""Model servers and their neighbours: offline, of a known revision, patient at start and end."""

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
"""What keeps a program from calling its makers or a hub, by the last part of its repository.

huggingface_hub, package_reference/environment_variables; vLLM, usage/usage_stats; Open WebUI,
getting-started/env-configuration; Grafana, configure-grafana#analytics; Kong,
reference/configuration#anonymous_reports; LiteLLM, proxy/model_cost_map. What a program reads from
a file in a Secret (Qdrant's telemetry_disabled) is not seen.
"""


def _environment(container: Container) -> dict[str, Node] | None:
    """The variables that it is given; None if not all are known."""
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
            at = "nothing" if got is None else "another value (not shown)"
            path = f"{container.path}.env[{name}]"
            yield Finding(path, at, " or ".join(sorted(allowed)), subject=name)


OFFLINE = Rule(
    "offline-switches",
    "Programs that call a hub, or their makers, by default are told not to.",
    "They report versions, models and counts to the outside, or stop where it cannot be reached.",
    "set the variable on the container",
    WORKLOADS,
    Severity.HIGH,
    _online,
    rows=(62,),
    frameworks=(RGPD_44,),
)

_MODEL = ("--model", "--model-id", "--model-path")
_REVISION = ("--revision", "--model-revision")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+")
"""A model's name on a hub: owner and model. A path begins with a slash."""


def _unpinned(resource: Resource) -> Iterator[Finding]:
    for _, container in model_servers(resource):
        if not command_known(container):
            continue
        model = option(container, *_MODEL) or _served(container)
        revision = option(container, *_REVISION)
        if model is None or not _REPOSITORY.fullmatch(model):
            continue
        if revision is None or not _COMMIT.fullmatch(revision):
            allowed = "--revision with a commit of 40 digits, or a path with the weights"
            got = f"the model {model} in the revision {revision or 'of the day'}"
            yield Finding(f"{container.path}.args", got, allowed)


def _served(container: Container) -> str | None:
    """The word after `serve`, as in `vllm serve MODEL`."""
    line = words(container)
    after = line.index("serve") + 1 if "serve" in line else len(line)
    return line[after] if after < len(line) else None


REVISION = Rule(
    "model-revision",
    "A model server names the commit of its model, or a folder with its weights.",
    "The repository's owner can change what the same name serves, code included.",
    "add --revision with the commit, or serve from the model store",
    WORKLOADS,
    Severity.HIGH,
    _unpinned,
    rows=(64,),
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
            continue  # a worker of several nodes: it answers nobody, its leader has the probe
        if probe is None:
            allowed = "a probe that waits as long as the weights take to load"
            yield Finding(path, "nothing", allowed)
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
            allowed = f"{budget:g} s or more, the startup probe's patience"
            yield Finding("spec.progressDeadlineSeconds", f"{deadline:g} s", allowed)


STARTUP = Rule(
    "startup-budget",
    "A model server has a startup probe, and its rollout waits as long as that does.",
    "The liveness probe otherwise kills it while it loads; or the rollout fails while all is well.",
    "add a startupProbe for the load time, and raise progressDeadlineSeconds to it",
    WORKLOADS - {"Pod"},
    Severity.HIGH,
    _impatient,
    rows=(65,),
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
            yield Finding(path, got, "the time that the longest answer takes")
        elif grace < needed:
            got, allowed = shown(grace), f"{needed:g} or more: preStop and shutdown timeout"
            yield Finding(path, got, allowed)


DRAIN = Rule(
    "drain-time",
    "A model server has the time to finish its answers: preStop and drain fit the grace period.",
    "Every rollout otherwise cuts off answers in the middle of a sentence.",
    "raise terminationGracePeriodSeconds",
    SERVING | {"LeaderWorkerSet.leaderworkerset.x-k8s.io", "DaemonSet.apps"},
    Severity.MEDIUM,
    _hurried,
    rows=(66,),
)

RULES = (OFFLINE, REVISION, STARTUP, DRAIN)
