"""The reference page of the rules: `python -m policies.reference > docs/policies.md`."""

import sys
from collections.abc import Iterable

from policies.exemptions import EXEMPTIONS
from policies.levels import ADVISORY_STACKS
from policies.rules import RULES, STACK_RULES
from policies.rules.model import Rule, StackRule
from policies.rules.pods import WORKLOADS
from policies.rules.tls import PLAINTEXT

_INTRODUCTION = """# Policies

<!-- Generated from the rules by `python -m policies.reference`; change those instead. -->

The pack in `policies/` looks at every Kubernetes object before anything is created or changed.
In every stack but {stacks} a finding of a mandatory rule ends `pulumi preview` and
`pulumi up` with exit code 1 before anything moves; there, and for advisory rules everywhere, it
is printed. Other Pulumi programs can use the pack too: `pulumi up --policy-pack policies/pack`.

Each finding is one line: the rule's id, the field, what it holds, what it may hold, what to
change. No line quotes a value of a Secret, a ConfigMap or an environment.

A value that only the update will know is not judged in the preview; the update judges it before
the object is created. What a Helm release or an operator creates by itself is not seen.

Rules whose id begins with `tls-` accept a reason on the object, or on its pod template:
`{plaintext}: "<why this speaks no TLS>"`. An empty reason is none. All other exceptions are the
named ones at the end of this page.

The rules also run without an engine, over plain manifests: `policies.check(resources)`.

A policy configuration of `{{"harden": "remediate"}}` (`--policy-pack-config`) fills in
security fields that a workload leaves out: no service account token, no privilege escalation,
the runtime's seccomp profile. It is off unless asked for, in every stack.
"""


def render() -> str:
    """The page, in Markdown."""
    stacks = ", ".join(f"`{stack}`" for stack in sorted(ADVISORY_STACKS))
    return "\n".join(
        [
            _INTRODUCTION.format(stacks=stacks, plaintext=PLAINTEXT),
            "## Rules about one object\n",
            f"Workloads are {_list(sorted(WORKLOADS))}: their containers and init containers.\n",
            *_table(RULES),
            "## Rules about all objects together\n",
            *_table(STACK_RULES),
            "## Exceptions\n",
            "| rule | `app.kubernetes.io/name` | what is let through | reason |",
            "| --- | --- | --- | --- |",
            *(
                f"| `{e.rule}` | `{e.name}` | {_list(e.subjects)} | {e.reason} |"
                for e in EXEMPTIONS
            ),
            "",
        ]
    )


def _table(rules: Iterable[Rule | StackRule]) -> list[str]:
    rows = (
        f"| `{r.id}` | {r.what} | {r.why} | {r.remedy} | {_kinds(r.kinds)} "
        f"| {r.severity} | {r.level} |"
        for r in rules
    )
    return [
        "| rule | what | why | remedy | kinds | severity | level |",
        "| --- | --- | --- | --- | --- | --- | --- |",
        *rows,
        "",
    ]


def _kinds(kinds: frozenset[str]) -> str:
    if kinds >= WORKLOADS:
        return ", ".join(("workloads", *(f"`{kind}`" for kind in sorted(kinds - WORKLOADS))))
    return _list(sorted(kinds))


def _list(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names if name) or "everything"


if __name__ == "__main__":
    sys.stdout.write(render())
