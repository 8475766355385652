"""Differences between known linters and the policy pack: `linters.yaml`, and its page.

`python -m tests.conformance.differences > docs/reference/linters.md`
"""

import sys
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Self

import yaml
from pydantic import BaseModel, ConfigDict, TypeAdapter, model_validator

from tests.conformance.peers.linters import Complaint

_FILE = Path(__file__).with_name("linters.yaml")
_PAGE = """# Known linters

<!-- Generated from linters.yaml by `python -m tests.conformance.differences`; edit that file. -->

The [policy pack](policies.md) makes the checks of known linters, as far as manifests can decide
them. `tests/conformance/test_linters.py` verifies this: it runs the linters on every object of prod
and of every stack in `examples/`, as the program renders them. It fails on a linter error that this
page does not explain, and on an explanation that is no longer needed.

| linter | counted as an error |
| --- | --- |
| kube-score 1.20.0 | grade CRITICAL |
| Checkov 3.3.30 | every finding: it reports no severities offline |
| KICS 2.2.0 | severity HIGH or CRITICAL: errors in its SARIF reports |
| kubernetes-validate 1.37.0 | anything outside the schema of Kubernetes 1.30, the oldest allowed |

Two queries of KICS are skipped: `volume_mount_with_os_directory_write_permissions`, which fails in
this release with an internal error, and the password search, because Secrets contain passwords.

Not run because the Go module proxy does not serve them: kube-linter, Polaris, Trivy, Terrascan,
Kubesec and Kubescape. Not run because it downloads its schemas: kubeconform; kubernetes-validate
includes them. Kyverno itself is available, but its policies are not. The checks of Polaris,
Kubescape and Kyverno are listed by name in [policies.md](policies.md).

## Also found by the pack

A waiver in `policies/waivers.yaml` accepts it, with a reason, or the catalog names the user of the
image, or the rule is advisory. The test
verifies that the pack without waivers reports the same on each of these objects.

| linter | check | rule of the pack |
| --- | --- | --- |
{same}

## Accepted by the pack

`-auto` stands for the suffix of a name that Pulumi generates.

| linter | check | objects | reason |
| --- | --- | --- | --- |
{other}
"""


class Difference(BaseModel):
    """An accepted finding of one check of one linter."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    linter: str
    check: str
    rule: str | None = None
    """Rule of the pack that reports the same."""
    resources: tuple[str, ...] = ()
    """Patterns of `KIND/NAMESPACE/NAME` of objects that the pack accepts."""
    reason: str | None = None

    @model_validator(mode="after")
    def _has_rule_or_reason(self) -> Self:
        if (self.rule is None) == (self.reason is None) or (self.reason and not self.resources):
            message = f"{self.check}: either a rule, or a reason and resources"
            raise ValueError(message)
        return self

    def patterns(self) -> Iterator["Difference"]:
        """One difference per pattern."""
        for pattern in self.resources:
            yield self.model_copy(update={"resources": (pattern,)})
        if not self.resources:
            yield self

    def explains(self, found: Complaint) -> bool:
        """Whether it is about *found*."""
        named = any(fnmatchcase(found.resource, pattern) for pattern in self.resources or ("*",))
        return named and (found.linter, found.check) == (self.linter, self.check)


def load() -> list[Difference]:
    """All differences. Raises pydantic's ValidationError for incomplete ones."""
    return TypeAdapter(list[Difference]).validate_python(yaml.safe_load(_FILE.read_text()))


def page() -> str:
    """docs/reference/linters.md."""
    listed = load()
    same = [f"| {d.linter} | {d.check} | `{d.rule}` |" for d in listed if d.rule]
    other = [
        f"| {d.linter} | {d.check} | {_code(d.resources)} | {d.reason} |"
        for d in listed
        if d.reason
    ]
    return _PAGE.format(same="\n".join(same), other="\n".join(other))


def _code(patterns: tuple[str, ...]) -> str:
    return ", ".join(f"`{pattern}`" for pattern in patterns)


if __name__ == "__main__":
    sys.stdout.write(page())
