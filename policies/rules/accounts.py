"""Service accounts of pods, and remote shells in their containers."""

from collections.abc import Iterator, Sequence

from policies.rules.frameworks import NSA_ACCESS, NSA_PODS, cis
from policies.rules.model import Finding, Level, Resource, Rule, Severity, StackRule
from policies.rules.pods import WORKLOADS, Container, containers, pods
from policies.rules.reading import entries, get, name, namespace, same, shown

_ACCOUNT = "ServiceAccount"


def _default(resource: Resource) -> Iterator[Finding]:
    for pod in pods(resource):
        account = get(pod.spec, "serviceAccountName")
        if account in (None, "", "default"):
            allowed = "the name of a dedicated ServiceAccount"
            yield Finding(f"{pod.path}.serviceAccountName", shown(account or None), allowed)


OWN = Rule(
    "own-service-account",
    "A pod names a ServiceAccount other than `default`.",
    "Permissions granted to a shared account apply to every pod that uses it.",
    "create a ServiceAccount for the workload and set serviceAccountName",
    WORKLOADS,
    Severity.MEDIUM,
    _default,
    covers=("own-service-account",),
    frameworks=(*cis("5.1.5"), NSA_ACCESS),
)


def _missing(resources: Sequence[Resource]) -> Iterator[Finding]:
    accounts = [r for r in resources if r.kind == _ACCOUNT]
    for resource in resources:
        where = namespace(resource)
        here = [a for a in accounts if same(namespace(a), where) is not False]
        for pod in pods(resource):
            account = get(pod.spec, "serviceAccountName")
            if not isinstance(account, str) or account in ("", "default"):
                continue
            if all(same(name(a), account) is False for a in here):
                path = f"{pod.path}.serviceAccountName"
                allowed = "the name of a ServiceAccount in the same namespace"
                yield Finding(path, shown(account), allowed, resource=resource)


EXISTS = StackRule(
    "service-account-exists",
    "The ServiceAccount of a pod exists in the stack, in the same namespace.",
    "Without it no pod is created, and only the controller's events show why.",
    "add the ServiceAccount, or correct its name or namespace",
    WORKLOADS,
    Severity.HIGH,
    _missing,
    covers=("own-service-account",),
    also_reads=frozenset({_ACCOUNT}),
)

_SHELLS = frozenset({"sh", "bash", "ash", "dash", "zsh", "busybox"})
_REMOTE = frozenset({"sshd", "ssh", "sudo", "su", "telnetd", "dropbear"})
_SSH_PORTS = (22, 2222)
_EXECS = (("livenessProbe",), ("readinessProbe",), ("startupProbe",))


def _started(container: Container) -> Iterator[Finding]:
    for probe in _EXECS:
        for i, word in entries(container.spec, *probe, "exec", "command"):
            if i == 0 and isinstance(word, str) and word.rsplit("/", 1)[-1] in _SHELLS:
                path = f"{container.path}.{probe[0]}.exec.command"
                yield Finding(
                    path, f"the shell {word}", "httpGet, tcpSocket, or a program without a shell"
                )
    for field in ("command", "args"):
        for _, word in entries(container.spec, field):
            if isinstance(word, str) and word.rsplit("/", 1)[-1] in _REMOTE:
                yield Finding(f"{container.path}.{field}", f"`{word}`", "the server program only")
    for i, port in entries(container.spec, "ports"):
        if get(port, "containerPort") in _SSH_PORTS:
            yield Finding(
                f"{container.path}.ports[{i}]", "an SSH port", "ports of the server program only"
            )


def _shells(resource: Resource) -> Iterator[Finding]:
    for container in containers(resource):
        yield from _started(container)


SHELLS = Rule(
    "no-remote-shell",
    "No container runs ssh or sudo, and no probe starts a shell.",
    "Attackers use the same shells; a shell per probe also costs a process per period.",
    "remove it; probe over the network, or with a program that needs no shell",
    WORKLOADS,
    Severity.MEDIUM,
    _shells,
    covers=("no-remote-shell",),
    frameworks=(NSA_PODS,),
    level=Level.ADVISORY,
)

RULES = (OWN, SHELLS)
STACK_RULES = (EXISTS,)
