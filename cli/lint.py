"""`pai lint`: check plain manifests against the policies."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
import yaml
from pydantic import BaseModel, ConfigDict, Field, RootModel
from rich.console import Console
from rich.table import Table
from rich.text import Text

from base.problems import Problem
from cli.errors import UsageError
from cli.options import stack_option
from policies import Finding, Level, Resource, check
from policies.checking import BY_ID, check_waivers
from policies.waivers import Waivers, load

_STDIN = Path("-")
_SUFFIXES = frozenset({".yaml", ".yml", ".json"})
FOUND = 1
"""Exit code with findings; 2 is a usage error."""


class LintFinding(BaseModel):
    """One finding, as `--json` prints it."""

    model_config = ConfigDict(frozen=True)

    rule: str = Field(description="Id of the rule, as in docs/reference/policies.md.")
    level: Level = Field(description="mandatory blocks a deployment, advisory does not.")
    severity: str = Field(description="low, medium, high or critical.")
    resource: str = Field(description="KIND/NAMESPACE/NAME; empty if no object is concerned.")
    path: str = Field(description="Field of the object.")
    got: str = Field(description="Its value; never a secret.")
    allowed: str = Field(description="Allowed values.")
    change: str = Field(description="How to fix it.")


def lint(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE…",
            help="Manifests in YAML or JSON, folders of them, or - for standard input.",
        ),
    ],
    *,
    waivers: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="Waivers to apply, in the format of policies/waivers.yaml. Default: none.",
        ),
    ] = None,
    stack: Annotated[str, stack_option("Stack of the manifests, for waivers that name one.")] = "",
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit 1 for advisory findings too.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check Kubernetes manifests against the policies, without Pulumi or a cluster.

    Rules about what only Pulumi knows (protection, secrets in the state) do not apply. To check a
    deployed stack: `pulumi policy analyze --policy-pack policies/pack --stack NAME`.

    Exit codes: 0 no mandatory finding, 1 mandatory findings, 2 usage error or not a manifest.
    """
    resources = [_resource(m, stack) for file in files for m in _manifests(file)]
    findings = [_lint_finding(each) for each in _findings(resources, _waivers(waivers))]
    findings.sort(key=lambda f: (f.level is not Level.MANDATORY, f.rule, f.resource, f.path))
    if as_json:
        typer.echo(RootModel[list[LintFinding]](findings).model_dump_json(indent=2))
    else:
        _show(findings, len(resources))
    if any(strict or finding.level is Level.MANDATORY for finding in findings):
        raise typer.Exit(FOUND)


def _waivers(file: Path | None) -> Waivers:
    try:
        return load(file) if file else Waivers.none()
    except (OSError, ValueError) as error:
        raise UsageError(
            Problem(
                path="--waivers",
                got=str(error),
                allowed="a file in the format of policies/waivers.yaml",
                change="fix the file, or pass another",
            )
        ) from None


def _findings(resources: Sequence[Resource], waivers: Waivers) -> Iterator[Finding]:
    yield from check(resources, waivers=waivers)
    yield from check_waivers(resources, waivers)


def _resource(manifest: Mapping[str, Any], stack: str) -> Resource:
    metadata = manifest.get("metadata")
    name = metadata.get("name", "") if isinstance(metadata, Mapping) else ""
    urn = f"urn:pulumi:{stack}::::{manifest['kind']}::{name}" if stack else ""
    return Resource.of(manifest, urn)


def _manifests(file: Path) -> Iterator[Mapping[str, Any]]:
    """The objects in a file or in the manifests of a folder; items of a List one by one."""
    if file == _STDIN:
        yield from _objects(sys.stdin.read(), "standard input")
        return
    if not file.exists():
        _refuse(f"{file}, which does not exist")
    inside = (
        sorted(p for p in file.rglob("*") if p.suffix in _SUFFIXES) if file.is_dir() else [file]
    )
    for path in inside:
        yield from _objects(path.read_text(encoding="utf-8"), str(path))


def _objects(text: str, source: str) -> Iterator[Mapping[str, Any]]:
    try:
        documents: list[Any] = list(yaml.load_all(text, yaml.CSafeLoader))
    except yaml.YAMLError as error:
        _refuse(f"{source}, which is not valid YAML: {error}")
    for document in documents:
        if document is not None:
            yield from _listed(document, source)


def _listed(document: object, source: str) -> Iterator[Mapping[str, Any]]:
    if not isinstance(document, Mapping) or not {"apiVersion", "kind"} <= set(document):
        _refuse(f"{source}, with a document without apiVersion and kind")
    if str(document["kind"]).endswith("List") and isinstance(document.get("items"), list):
        for item in document["items"]:
            yield from _listed(item, source)
    else:
        yield document


def _refuse(got: str) -> NoReturn:
    raise UsageError(
        Problem(
            path="FILE",
            got=got,
            allowed="Kubernetes objects in YAML or JSON",
            change="fix the file, or leave it out",
        )
    )


def _lint_finding(finding: Finding) -> LintFinding:
    return LintFinding(
        rule=finding.rule,
        level=finding.level,
        severity=BY_ID[finding.rule].severity,
        resource=finding.resource.id if finding.resource else "",
        path=finding.path,
        got=finding.got,
        allowed=finding.allowed,
        change=finding.change,
    )


def _show(findings: Sequence[LintFinding], objects: int) -> None:
    console = Console()
    if findings:
        table = Table("rule", "resource and field", "problem and fix", show_lines=True)
        table.columns[0].no_wrap = True
        for finding in findings:
            # Text: names and values of manifests are not markup.
            table.add_row(
                Text(f"{finding.rule}\n{finding.level}, {finding.severity}"),
                Text(f"{finding.resource}\n{finding.path}".strip(), overflow="fold"),
                Text(
                    f"got {finding.got}; allowed: {finding.allowed}\n{finding.change}",
                    overflow="fold",
                ),
            )
        console.print(table)
    mandatory = sum(finding.level is Level.MANDATORY for finding in findings)
    advisory = len(findings) - mandatory
    console.print(f"{objects} objects: {mandatory} mandatory findings, {advisory} advisory")
