"""Between Pulumi's policy SDK and the rules.

Pulumi deserialises every resource once for every policy, so there are few policies: one for
each level, and for each of the two ways in which Pulumi hands over resources. The rule's id
begins each message.
"""

from collections.abc import Mapping, Sequence

from pulumi_policy import (
    EnforcementLevel,
    Policy,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy import proxy as sdk

from policies.checking import check_one, check_stack
from policies.levels import level
from policies.rules import RULES, STACK_KINDS, STACK_RULES
from policies.rules.hardening import patches
from policies.rules.model import UNKNOWN, Level, Node, Resource
from policies.rules.pods import WORKLOADS

_SENTINELS = frozenset(
    value for name, value in vars(sdk).items() if name.startswith("UNKNOWN_") and name.isupper()
)
_LEVELS = {
    Level.MANDATORY: EnforcementLevel.MANDATORY,
    Level.ADVISORY: EnforcementLevel.ADVISORY,
}


def plain(value: Node) -> Node:
    """*value* without the SDK's proxies; what is not known yet becomes `UNKNOWN`."""
    if isinstance(value, str):
        return UNKNOWN if value in _SENTINELS else value
    if isinstance(value, Mapping):
        return {key: _item(value, key) for key in value}
    if isinstance(value, Sequence):
        return [_item(value, index) for index in range(len(value))]
    return value


def _item(container: Node, key: Node) -> Node:
    try:
        return plain(container[key])
    except sdk.UnknownValueError:
        return UNKNOWN


def kind_of(token: str) -> str:
    """The kind, as in `Resource.kind`, of a type token; empty for what is no Kubernetes object.

    A token is `kubernetes:GROUP/VERSION:KIND`, and the core group is called `core`. A `…Patch`
    changes a part of an object that somebody else owns: nothing to judge.
    """
    package, _, rest = token.partition(":")
    module, _, kind = rest.partition(":")
    group, slash, _ = module.partition("/")
    if package != "kubernetes" or not slash or kind.endswith("Patch"):
        return ""
    return kind if group == "core" else f"{kind}.{group}"


def policies() -> list[Policy]:
    """The policies of the pack."""
    return [
        *(_resource_policy(at) for at in Level),
        *(_stack_policy(at) for at in Level),
        _hardening(),
    ]


def _resource_policy(at: Level) -> ResourceValidationPolicy:
    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        kind = kind_of(args.resource_type)
        rules = [r for r in RULES if kind in r.kinds and level(r.level, args.urn) is at]
        if rules:
            for finding in check_one(Resource(kind, plain(args.props), args.urn), rules):
                report(finding.message, None)

    return ResourceValidationPolicy(
        f"objects-{at}",
        "Rules about single Kubernetes objects.",
        validate,
        _LEVELS[at],
    )


def _stack_policy(at: Level) -> StackValidationPolicy:
    def validate(args: StackValidationArgs, report: ReportViolation) -> None:
        urn = args.resources[0].urn if args.resources else ""
        rules = [rule for rule in STACK_RULES if level(rule.level, urn) is at]
        if not rules:
            return
        objects = [
            Resource(kind, plain(found.props), found.urn)
            for found in args.resources
            if (kind := kind_of(found.resource_type)) in STACK_KINDS
        ]
        for finding in check_stack(objects, rules):
            report(finding.message, finding.resource.urn if finding.resource else None)

    return StackValidationPolicy(
        f"stack-{at}",
        "Rules about the Kubernetes objects together.",
        validate,
        _LEVELS[at],
    )


def _hardening() -> ResourceValidationPolicy:
    """Off; a policy configuration of {"harden": "remediate"} turns it on."""

    # The SDK takes the new properties as they are, whatever its types say.
    def remediate(args: ResourceValidationArgs) -> Node:
        kind = kind_of(args.resource_type)
        if kind not in WORKLOADS:
            return None
        changes = list(patches(Resource(kind, plain(args.props), args.urn)))
        for path, value in changes:
            _put(args.props, path, value)
        return args.props if changes else None

    return ResourceValidationPolicy(
        "harden",
        "Fill in the security fields that a workload leaves out.",
        enforcement_level=EnforcementLevel.DISABLED,
        remediate=remediate,
    )


def _put(target: Node, path: Sequence[str | int], value: Node) -> None:
    """Set *path* of the SDK's nested proxies, which keep what is secret marked as secret."""
    *way, last = path
    for step in way:
        target = target[step]
    target[last] = value
