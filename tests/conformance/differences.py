"""Where known linters and the policy pack disagree: `linters.yaml`, and the page written from it.

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

<!-- Written by `python -m tests.conformance.differences` from linters.yaml: change that. -->

The [policy pack](policies.md) makes the checks that known linters make, as far as a stack's inputs
can decide them. Whether that is so, the linters say: `tests/conformance/test_linters.py` gives them
every object of prod, and of every stack in `examples/`, as the program renders them. It fails on an
error of theirs that this page does not explain, and on an explanation that nothing needs any more.

| linter | what counts as its error |
| --- | --- |
| kube-score 1.20.0 | grade CRITICAL |
| Checkov 3.3.30 | every finding: its severities are known to its vendor's service alone |
| KICS 2.2.0 | severity HIGH or CRITICAL, which its SARIF reports call errors |
| kubernetes-validate 1.37.0 | what the schema of Kubernetes 1.30, the oldest allowed, has not |

One query of KICS is left out, `volume_mount_with_os_directory_write_permissions`: in this release
it ends with an error of its own. So is its search for passwords, since Secrets hold some.

Not run, because the Go module proxy does not hand them out: kube-linter, Polaris, Trivy, Terrascan,
Kubesec and Kubescape. Not run, because its schemas come from the internet: kubeconform;
kubernetes-validate brings its own. Kyverno's program can be had, but its policies cannot. What
Polaris, Kubescape and Kyverno check is in the table of [policies.md](policies.md) by name.

## The pack finds it too

A waiver, or the rule's being advice, lets it stand; `policies/waivers.yaml` says why. The test
checks that the pack without its waivers finds the same on each of the same objects.

| linter | check | rule of the pack |
| --- | --- | --- |
{same}

## The pack has nothing against it

`-auto` stands for the ending that Pulumi gives to a name.

| linter | check | objects | why |
| --- | --- | --- | --- |
{other}
"""


class Difference(BaseModel):
    """Leave for what one check of one linter finds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    linter: str
    check: str
    rule: str | None = None
    """Of the pack, which finds the same."""
    resources: tuple[str, ...] = ()
    """Patterns of `KIND/NAMESPACE/NAME`, where the pack finds nothing."""
    reason: str | None = None

    @model_validator(mode="after")
    def _says_why(self) -> Self:
        if (self.rule is None) == (self.reason is None) or bool(self.resources) != bool(
            self.reason
        ):
            message = f"{self.check}: either a rule, or resources and a reason"
            raise ValueError(message)
        return self

    def patterns(self) -> Iterator["Difference"]:
        """The same, for one pattern at a time."""
        for pattern in self.resources:
            yield self.model_copy(update={"resources": (pattern,)})
        if self.rule:
            yield self

    def explains(self, found: Complaint) -> bool:
        """Whether it is about *found*."""
        named = any(fnmatchcase(found.resource, pattern) for pattern in self.resources or ("*",))
        return named and (found.linter, found.check) == (self.linter, self.check)


def load() -> list[Difference]:
    """All of them; pydantic's ValidationError where one says too little or too much."""
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
