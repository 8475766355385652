"""The reference page of the rules: `python -m policies.reference > docs/reference/policies.md`."""

import sys
from collections.abc import Iterable

from policies import waivers
from policies.levels import ADVISORY_STACKS
from policies.rules import RULES, STACK_RULES
from policies.rules.frameworks import SOURCES
from policies.rules.model import Described
from policies.rules.pods import WORKLOADS
from policies.union import ROWS

_INTRODUCTION = """# Policies

<!-- Generated from the rules by `python -m policies.reference`; change those instead. -->

The pack in `policies/` looks at every Kubernetes object before anything is created or changed.
In every stack but {stacks} a finding of a mandatory rule ends `pulumi preview` and
`pulumi up` with exit code 1 before anything moves; there, and for advisory rules everywhere, it
is printed. Each finding is one line: the rule's id, the field, what it holds, what it may hold,
what to change. No line quotes a value of a Secret, a ConfigMap or an environment.

A value that only the update will know is not judged in the preview; the update judges it before
the object is created. What a Helm release or an operator creates by itself is not seen.

## Where it runs

- On any Pulumi program with Kubernetes objects: `pulumi up --policy-pack policies/pack`
  (`policies/README.md`). The engine sends each resource once, and each is read once for all rules.
- On manifests: `pai lint FILE…`, also folders and `-` for standard input. It prints a table, or
  JSON with `--json`, and exits 1 if a mandatory rule has a finding (any rule, with `--strict`).
- On what is deployed: `pulumi policy analyze --policy-pack policies/pack --stack NAME`, or
  `--file` with what `pulumi stack export` wrote.

A policy configuration of `{{"harden": "remediate"}}` (`--policy-pack-config`) fills in what is
mechanical and a workload leaves out: no service account token, no privilege escalation, the
runtime's seccomp profile. It is off unless asked for, in every stack. `"objects"` and `"stack"`,
the two policies that hold the rules, can be `"advisory"` or `"disabled"`.

## Waivers

What is let through is data, in `policies/waivers.yaml` for this project's own stacks; another
program names its file in `{variable}`. Each names a rule, a pattern of the resource
(`KIND/NAMESPACE/NAME`, the name in Pulumi where there is one), optionally patterns of what the
rule found there (`subjects`), and of the stack; with a reason, an owner and a last day. One that
is over, or that lacks any of these, lets nothing through and is a mandatory finding; one that lets
nothing through is advice, unless it says that it is `optional`. There are no other exceptions.

```yaml
waivers:
  - rule: no-load-balancer
    resource: "Service/edge/gateway"
    reason: The one way in.
    owner: platform
    expires: 2027-01-31
```
"""
_TOOLS = """\
KY is kyverno/policies (R restricted, B baseline, P best practices, O other), KS kube-score, PO
Polaris, CK checkov (CKV_K8S_n), C- Kubescape, PU pulumi/compliance-policies.
"""
_COLUMNS = "| rule | what | why | severity | level | tools | frameworks | remedy |"


def render() -> str:
    """The page, in Markdown."""
    stacks = ", ".join(f"`{stack}`" for stack in sorted(ADVISORY_STACKS))
    return "\n".join(
        [
            _INTRODUCTION.format(stacks=stacks, variable=waivers.FILE),
            "## Rules about one object\n",
            f"Workloads are {_list(sorted(WORKLOADS))}: their containers and init containers.\n",
            *_table(RULES),
            "## Rules about all objects together\n",
            *_table(STACK_RULES),
            "## Rules about waivers\n",
            *_table(waivers.RULES),
            *_union(),
            "## Guides\n",
            "A rule names the parts that it helps to follow. Following a rule is not conformity.\n",
            *(f"- **{name}**: {source}." for name, source in SOURCES.items()),
            "",
            "## Waivers of this project\n",
            "| rule | resource | what | stack | reason | owner | until |",
            "| --- | --- | --- | --- | --- | --- | --- |",
            *(
                f"| `{w.rule}` | `{w.resource}` | {_list(w.subjects)} | `{w.stack}` | {w.reason} "
                f"| {w.owner} | {w.expires} |"
                for w in waivers.load().waivers
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
    """Who else has it; nobody has what is ours."""
    return "; ".join(ROWS[row].tools for row in rule.rows if ROWS[row].tools) or "ours alone"


def _union() -> list[str]:
    """Each check of the union, with the rules that make it, or why none can."""
    by_row = {
        number: [rule.id for rule in (*RULES, *STACK_RULES, *waivers.RULES) if number in rule.rows]
        for number in ROWS
    }
    return [
        "## What the known linters check, and which rule does it here\n",
        _TOOLS,
        "| check | tools | rules |",
        "| --- | --- | --- |",
        *(
            f"| {row.check} | {row.tools or 'ours alone'} "
            f"| {_list(by_row[number]) if by_row[number] else f'none: {row.undecided}'} |"
            for number, row in ROWS.items()
        ),
        "",
    ]


def _list(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names if name != "*") or "everything"


if __name__ == "__main__":
    sys.stdout.write(render())
