"""A server of Pulumi's analyzer protocol (gRPC) for the pack.

Pulumi's policy SDK deserialises each resource once per policy and allows one level per policy. This
server converts each resource once, runs all rules on it, and reports each finding at the level that
its rule has in the stack.
"""

import os
import sys
import time
from collections.abc import Iterable, Mapping
from concurrent import futures
from contextlib import suppress
from pathlib import Path
from typing import Any

import grpc  # type: ignore[import-untyped]
import yaml
from google.protobuf import empty_pb2
from pulumi.runtime import proto
from pulumi.runtime.proto import analyzer_pb2_grpc

from policies import facts
from policies.adapter import resource, set_path
from policies.checking import BY_ID, check_one, check_stack, check_waivers
from policies.levels import level, stack_of
from policies.rules import RULES, STACK_KINDS
from policies.rules.hardening import patches
from policies.rules.model import Facts, Finding, Level, Resource, Rule, Severity
from policies.rules.pods import WORKLOADS
from policies.waivers import Waivers, with_stack

_Message = Any
"""A generated class of the protocol; only some SDK versions ship stubs for them."""
_MANIFEST = yaml.safe_load((Path(__file__).parent / "PulumiPolicy.yaml").read_text())
_NAME, _VERSION = str(_MANIFEST["name"]), str(_MANIFEST["version"])
_OBJECTS, _STACK, _HARDEN = "objects", "stack", "harden"
_LEVELS = {
    Level.MANDATORY: proto.EnforcementLevel.Value("MANDATORY"),
    Level.ADVISORY: proto.EnforcementLevel.Value("ADVISORY"),
}
_DISABLED = proto.EnforcementLevel.Value("DISABLED")
_REMEDIATE = proto.EnforcementLevel.Value("REMEDIATE")
_SEVERITIES = {s: proto.PolicySeverity.Value(f"POLICY_SEVERITY_{s.upper()}") for s in Severity}
_POLICIES = {
    _OBJECTS: ("Rules on single Kubernetes objects.", _LEVELS[Level.MANDATORY], "RESOURCE"),
    _STACK: (
        "Rules on all Kubernetes objects of the stack together, and on the waivers.",
        _LEVELS[Level.MANDATORY],
        "STACK",
    ),
    _HARDEN: (
        "Set missing security fields of workloads to safe defaults.",
        _DISABLED,
        "RESOURCE",
    ),
}
_ENGINE_GONE_SECONDS = 1.0
"""How often it is looked whether the engine still is there."""
_ANY_SIZE = 400 * 1024 * 1024
"""Maximum message size in bytes, as in Pulumi's own servers."""
_RULES: Mapping[str, tuple[Rule, ...]] = {
    kind: tuple(rule for rule in RULES if kind in rule.kinds)
    for kind in frozenset().union(*(rule.kinds for rule in RULES))
}


class Analyzer(analyzer_pb2_grpc.AnalyzerServicer):
    """Answers the engine with the findings that *waivers* do not suppress."""

    def __init__(self, waivers: Waivers) -> None:
        self._waivers = waivers
        self._facts: Facts | None = None
        self._configured = {name: at for name, (_, at, _) in _POLICIES.items()}

    def Handshake(self, request: _Message, context: object) -> _Message:  # noqa: ARG002, N802
        """Nothing to negotiate."""
        return proto.AnalyzerHandshakeResponse()

    def GetPluginInfo(self, request: _Message, context: object) -> _Message:  # noqa: ARG002, N802
        """The version of the pack."""
        return proto.PluginInfo(version=_VERSION)

    def GetAnalyzerInfo(self, request: _Message, context: object) -> _Message:  # noqa: ARG002, N802
        """The policies, with their default levels."""
        return proto.AnalyzerInfo(
            name=_NAME,
            version=_VERSION,
            supportsConfig=True,
            policies=[
                proto.PolicyInfo(
                    name=name,
                    description=description,
                    enforcementLevel=at,
                    policy_type=proto.PolicyType.Value(f"POLICY_TYPE_{sort}"),
                )
                for name, (description, at, sort) in _POLICIES.items()
            ],
        )

    def Configure(self, request: _Message, context: object) -> _Message:  # noqa: ARG002, N802
        """Apply the policy levels of the user's configuration."""
        for name in self._configured:
            if name in request.policyConfig:
                self._configured[name] = request.policyConfig[name].enforcementLevel
        return empty_pb2.Empty()

    def ConfigureStack(self, request: _Message, context: object) -> _Message:  # noqa: ARG002, N802
        """Read what the stack declares, in the configuration that the engine passes."""
        self._waivers = with_stack(self._waivers, Path.cwd(), request.stack)
        self._facts = facts.of_config(request.config)
        return proto.AnalyzerStackConfigureResponse()

    def Analyze(self, request: _Message, context: object) -> _Message:  # noqa: ARG002, N802
        """Findings on one resource, before it is created or updated."""
        found = self._read(request) if self._enabled(_OBJECTS) else None
        if found is None:
            return proto.AnalyzeResponse()
        findings = check_one(found, self._waivers, _RULES.get(found.kind, RULES))
        return self._response(_OBJECTS, findings, request.urn)

    def AnalyzeStack(self, request: _Message, context: object) -> _Message:  # noqa: ARG002, N802
        """Findings on all resources together, and on the waivers."""
        if not self._enabled(_STACK):
            return proto.AnalyzeResponse()
        found = [r for r in map(self._read, request.resources) if r]
        read = [r for r in found if r.kind in STACK_KINDS]
        findings = [*check_stack(read, self._waivers), *check_waivers(found, self._waivers)]
        return self._response(_STACK, findings, found[0].urn if found else "")

    def Remediate(self, request: _Message, context: object) -> _Message:  # noqa: ARG002, N802
        """Set missing security fields, if the user enabled it."""
        response = proto.RemediateResponse()
        enabled = self._configured[_HARDEN] == _REMEDIATE
        found = resource(request) if enabled else None
        changes = list(patches(found)) if found and found.kind in WORKLOADS else []
        for path, value in changes:
            set_path(request.properties, path, value)
        if changes:
            response.remediations.append(
                proto.Remediation(
                    policyName=_HARDEN,
                    policyPackName=_NAME,
                    policyPackVersion=_VERSION,
                    description=_POLICIES[_HARDEN][0],
                    properties=request.properties,
                )
            )
        return response

    def _read(self, request: _Message) -> Resource | None:
        """The object, with the facts of its stack.

        The engine passes no configuration in `pulumi policy analyze` (pkg/v3 3.256.0,
        cmd/pulumi/policy/policy_analyze.go:116): then those of the stack's file.
        """
        if self._facts is None:
            stack = stack_of(request.urn) or ""
            self._waivers = with_stack(self._waivers, Path.cwd(), stack)
            self._facts = facts.of_file(Path.cwd() / f"Pulumi.{stack}.yaml")
        return resource(request, self._facts)

    def _enabled(self, policy: str) -> bool:
        return self._configured[policy] != _DISABLED

    def _response(self, policy: str, findings: Iterable[Finding], urn: str) -> _Message:
        """*findings* as diagnostics; *urn* gives the stack of those without a resource."""
        all_advisory = self._configured[policy] == _LEVELS[Level.ADVISORY]
        return proto.AnalyzeResponse(
            diagnostics=[
                proto.AnalyzeDiagnostic(
                    policyName=policy,
                    policyPackName=_NAME,
                    policyPackVersion=_VERSION,
                    description=_POLICIES[policy][0],
                    message=finding.message,
                    enforcementLevel=_LEVELS[
                        Level.ADVISORY if all_advisory else level(finding.level, urn)
                    ],
                    urn=finding.resource.urn if finding.resource else "",
                    severity=_SEVERITIES[BY_ID[finding.rule].severity],
                )
                for finding in findings
            ]
        )


def serve(waivers: Waivers) -> None:
    """Serve until the engine, which reads the port from standard output, stops this process.

    An engine that is killed stops nothing: then this process ends as soon as it has another parent.
    Not by PR_SET_PDEATHSIG, which Linux sends when the *thread* ends that started a process, and
    the engine's Go may end threads. An engine that is gone before `getppid` does not read the port
    (BrokenPipeError).
    """
    engine = os.getppid()
    options = [("grpc.max_receive_message_length", _ANY_SIZE)]
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=1), options=options)
    analyzer_pb2_grpc.add_AnalyzerServicer_to_server(Analyzer(waivers), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    with suppress(KeyboardInterrupt):  # how the engine stops it
        while os.getppid() == engine:
            time.sleep(_ENGINE_GONE_SECONDS)
    server.stop(0)
