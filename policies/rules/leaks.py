"""Secrets reach pods as files, not through environment, arguments or ConfigMaps."""

from collections.abc import Iterator

from policies.rules import credentials
from policies.rules.frameworks import NSA_NETWORK, RGPD_32, SNC_CRYPTO, cis
from policies.rules.model import Finding, Resource, Rule, Severity
from policies.rules.pods import WORKLOADS, Container, containers
from policies.rules.reading import entries, get, label, missing, texts

_FILE = "mount the Secret as a file and pass its path"
_HIDDEN = "a literal (not shown)"


def _environment(resource: Resource) -> Iterator[Finding]:
    for container in containers(resource):
        for i, variable in entries(container.spec, "env"):
            path = f"{container.path}.env[{label(variable, i)}]"
            if not missing(variable, "valueFrom", "secretKeyRef"):
                yield Finding(f"{path}.valueFrom", "a key of a Secret", "the path of a file")
            name, value = get(variable, "name"), get(variable, "value")
            if not (isinstance(name, str) and isinstance(value, str)):
                continue
            if credential := credentials.embedded(value):
                yield Finding(f"{path}.value", credential, "the path of a file")
            elif credentials.names_secret(name) and credentials.is_literal(value):
                yield Finding(f"{path}.value", _HIDDEN, "the path of a file")
        for i, source in entries(container.spec, "envFrom"):
            if not missing(source, "secretRef"):
                path = f"{container.path}.envFrom[{i}].secretRef"
                yield Finding(path, "a whole Secret", "no secretRef; paths of files in env")


ENVIRONMENT = Rule(
    "no-secret-in-env",
    "No environment variable contains a credential, as a literal or from a Secret.",
    "Child processes inherit the environment, and crash reports print it.",
    _FILE,
    WORKLOADS,
    Severity.CRITICAL,
    _environment,
    covers=("secrets-as-files",),
    frameworks=(
        *cis("5.4.1"),
        NSA_NETWORK,
        SNC_CRYPTO,
        RGPD_32,
    ),
)


def _arguments(resource: Resource) -> Iterator[Finding]:
    for container in containers(resource):
        yield from _command_line(container)


def _command_line(container: Container) -> Iterator[Finding]:
    found = [
        (f"{container.path}.{field}[{i}]", word)
        for field in ("command", "args")
        for i, word in entries(container.spec, field)
        if isinstance(word, str)
    ]
    for index, name in credentials.flags([word for _, word in found]):
        yield Finding(
            found[index][0],
            f"a value for the option {name} (not shown)",
            "an option that takes the path of a file",
        )
    for path, word in found:
        if credential := credentials.embedded(word):
            yield Finding(path, credential, "the path of a file")


ARGUMENTS = Rule(
    "no-secret-in-args",
    "No argument contains a credential, or a variable or command that expands to one.",
    "Arguments are visible to anyone who can list pods, or processes on the node.",
    _FILE,
    WORKLOADS,
    Severity.CRITICAL,
    _arguments,
    covers=("secrets-as-files",),
    frameworks=(
        NSA_NETWORK,
        SNC_CRYPTO,
        RGPD_32,
    ),
)


def _config_map(resource: Resource) -> Iterator[Finding]:
    for key, text in texts(resource.props, "data"):
        path = f"data[{key}]"
        if credentials.names_secret(key) and credentials.is_literal(text):
            yield Finding(path, _HIDDEN, "no credentials")
        if credential := credentials.embedded(text):
            yield Finding(path, credential, "no credentials")
        for line, name in credentials.assignments(key, text):
            yield Finding(f"{path} line {line}", f"a literal for {name} (not shown)", "a reference")


CONFIG_MAP = Rule(
    "no-secret-in-config-map",
    "No ConfigMap contains a private key, password or token.",
    "More accounts can read ConfigMaps than Secrets, and they are not encrypted at rest.",
    "move the file to a Secret",
    frozenset({"ConfigMap"}),
    Severity.CRITICAL,
    _config_map,
    covers=("secrets-as-files",),
    frameworks=(
        NSA_NETWORK,
        SNC_CRYPTO,
        RGPD_32,
    ),
)

RULES = (ENVIRONMENT, ARGUMENTS, CONFIG_MAP)
