"""The reference page of the rules: `python -m policies.reference > docs/reference/policies.md`."""

import sys
from collections.abc import Iterable

from policies.coverage import CHECKS
from policies.levels import ADVISORY_STACKS
from policies.manifest_rules import FILE_RULES
from policies.rules import RULES, STACK_RULES
from policies.rules.frameworks import SOURCES
from policies.rules.model import Described
from policies.rules.pods import WORKLOADS
from policies.waivers import FILE, WAIVER_RULES, load

_INTRODUCTION = """# Policies

<!-- Generated from the rules by `python -m policies.reference`; edit those instead. -->

The pack in `policies/` checks every Kubernetes object before Pulumi creates or changes it. In every
stack except {stacks}, a violation of a mandatory rule makes `pulumi preview` and `pulumi up` exit
with code 1 before anything changes; in {stacks}, and for advisory rules everywhere, violations are
only printed. Each one names the rule, the field, its value (`got`), the `allowed` values and the
`change` to make. Messages never quote a Secret, a ConfigMap or an environment variable.

A value that is known only during the update is not checked in the preview; the update checks it
before it creates the object. Objects that a Helm release or an operator creates are not checked.

## Where it runs

- On any Pulumi program with Kubernetes objects: `pulumi up --policy-pack policies/pack`
  (`policies/README.md`). The engine sends each resource once, for all rules.
- On manifests: `pai lint FILE…`, also folders and `-` for standard input. It prints one line for
  each violation, the gravest first, with file and line, and exits 1 if a mandatory rule is violated
  (with `--strict`, any rule), 2 if a file holds no manifests, which hides no other file.
  `--format json`, `sarif` (2.1.0, for code scanning), `github` (annotations of a workflow) and
  `junit` are for programs; `--explain RULE` says what a rule demands, and why. Custom resources are
  searched for pod templates (KServe's InferenceService, KAITO's Workspace, a RayCluster), and kinds
  that no rule reads are named. Helm charts have to be rendered: `helm template … | pai lint -`.
- On deployed stacks: `pulumi policy analyze --policy-pack policies/pack --stack NAME`, or `--file`
  with the output of `pulumi stack export`.

With the policy configuration `{{"harden": "remediate"}}` (`--policy-pack-config`), the pack sets
security fields that a workload leaves out: no service account token, no privilege escalation, the
runtime's seccomp profile. It is off by default in every stack. `"objects"` and `"stack"`, the two
policies that contain the rules, can be set to `"advisory"` or `"disabled"`.

## Declarations

What no manifest shows is declared, not waived: `encrypted_by` of a class in
`cluster.storage_classes` says what encrypts its disks ([configuration](configuration.md)), `user`
of an image in `catalog/images.yaml` which user owns its files. The pack gets the settings of a
stack from Pulumi; `pai config check` names a class in use that nobody declares. Programs without
these settings waive `encrypted-storage`.

## Waivers

Exceptions are data. A stack has its own in `waivers.STACK.yaml`, beside its `Pulumi.STACK.yaml`;
those of the product are in `policies/waivers.yaml` and apply to the Pulumi project `private-ai`
only. Other programs set `{variable}` to the path of a file in its place. A
waiver names a rule, a pattern of the resource (`KIND/NAMESPACE/NAME`; NAME is the Pulumi name if
there is one), optionally patterns of the violation's subject (`subjects`) and of the stack, and a
reason, an owner and an expiry date. An expired or incomplete waiver suppresses nothing and is
itself a mandatory violation. A waiver that suppresses nothing is an advisory violation, unless it
is `optional`. There are no other exceptions.

```yaml
waivers:
  - rule: no-load-balancer
    resource: "Service/edge/gateway"
    reason: The only entry point of the cluster.
    owner: platform
    expires: 2027-01-31
```

With `gap: true` nothing is accepted: something is missing, and its violations stay visible,
together as one advisory violation with their number, the reason and the date. After the date they
are what their rule says.
"""
_TOOLS = """\
KY is kyverno/policies (R restricted, B baseline, P best practices, O other), KS kube-score, PO
Polaris, CK checkov (CKV_K8S_n), C- Kubescape, PU pulumi/compliance-policies.
"""
_COLUMNS = "| rule | requirement | reason | severity | level | tools | frameworks | remedy |"
_ALL_RULES: tuple[Described, ...] = (*RULES, *STACK_RULES, *WAIVER_RULES)


def render() -> str:
    """The page in Markdown."""
    stacks = ", ".join(f"`{stack}`" for stack in sorted(ADVISORY_STACKS))
    return "\n".join(
        [
            _INTRODUCTION.format(stacks=stacks, variable=FILE),
            "## Rules on single objects\n",
            f"Workloads are {_list(sorted(WORKLOADS))}; init containers are checked too.\n",
            *_table(RULES),
            "## Rules on all objects of a stack together\n",
            *_table(STACK_RULES),
            "## Rules on waivers\n",
            *_table(WAIVER_RULES),
            "## Rules on files\n",
            "Only `pai lint` reads files.\n",
            *_table(FILE_RULES),
            *_coverage(),
            "## Guides\n",
            "A rule lists the sections it helps to meet; it is no proof of compliance.\n",
            *(f"- **{name}**: {source}." for name, source in SOURCES.items()),
            "",
            "## Waivers and gaps of this project\n",
            "| rule | resource | subjects | stack | reason | owner | expires | gap |",
            "| --- | --- | --- | --- | --- | --- | --- | --- |",
            *(
                f"| `{w.rule}` | `{w.resource}` | {_list(w.subjects)} | `{w.stack}` | {w.reason} "
                f"| {w.owner} | {w.expires} | {'yes' if w.gap else 'no'} |"
                for w in load().waivers
            ),
            "",
        ]
    )


def _table(rules: Iterable[Described]) -> list[str]:
    rows = (
        f"| `{r.id}` | {r.what} | {r.why} | {r.severity} | {r.level} | {_tools(r)} "
        f"| {'; '.join(r.frameworks) or '-'} | {r.remedy} |"
        for r in rules
    )
    return [_COLUMNS, "| --- | --- | --- | --- | --- | --- | --- | --- |", *rows, ""]


def _tools(rule: Described) -> str:
    """Other tools with the same checks."""
    return "; ".join(CHECKS[c].tools for c in rule.covers if CHECKS[c].tools) or "this pack only"


def _coverage() -> list[str]:
    """Each check with the rules that make it, or the reason why none can."""
    rules = {name: [rule.id for rule in _ALL_RULES if name in rule.covers] for name in CHECKS}
    return [
        "## Checks of known linters, and the rules that make them here\n",
        _TOOLS,
        "| check | meaning | tools | rules |",
        "| --- | --- | --- | --- |",
        *(
            f"| {name} | {check.summary} | {check.tools or 'this pack only'} "
            f"| {_list(rules[name]) if rules[name] else f'none: {check.undecidable}'} |"
            for name, check in CHECKS.items()
        ),
        "",
    ]


def _list(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names if name != "*") or "everything"


if __name__ == "__main__":
    sys.stdout.write(render())
