"""`pai lint`: the policies over plain manifests."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml
from pydantic import BaseModel, ConfigDict, Field, RootModel
from rich.console import Console
from rich.table import Table
from rich.text import Text

from policies import Finding, Level, Resource, check
from policies.checking import BY_ID, check_waivers
from policies.waivers import Waivers, load

_STDIN = Path("-")
_SUFFIXES = frozenset({".yaml", ".yml", ".json"})
FOUND = 1
"""Exit status with findings; 2 is that of a wrong option or file."""


class Told(BaseModel):
    """One finding, for scripts."""

    model_config = ConfigDict(frozen=True)

    rule: str = Field(description="The rule's id; docs/reference/policies.md says what it is.")
    level: Level = Field(description="mandatory refuses a deployment, advisory does not.")
    severity: str = Field(description="low, medium, high or critical.")
    resource: str = Field(description="KIND/NAMESPACE/NAME, empty for what is about no object.")
    path: str = Field(description="The field.")
    got: str = Field(description="What it holds; never a secret.")
    allowed: str = Field(description="What it may hold.")
    change: str = Field(description="What to do.")


def lint(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE…",
            help="Manifests in YAML or JSON; folders for all that are in them; - for standard"
            " input.",
        ),
    ],
    *,
    waivers: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="What to let through, as policies/waivers.yaml; default: nothing.",
        ),
    ] = None,
    stack: Annotated[
        str, typer.Option(help="The stack that they are of, for waivers that name one.")
    ] = "",
    strict: Annotated[
        bool, typer.Option("--strict", help="Count advice as well for the exit status.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For scripts.")] = False,
) -> None:
    """Check Kubernetes manifests against the policies, without Pulumi or a cluster.

    What only Pulumi knows (protection, what is marked secret) is not judged; neither is what is
    deployed: `pulumi policy analyze --policy-pack policies/pack --stack NAME` does that.

    Exit status: 0 if no mandatory rule has a finding, 1 if one has, 2 for what is no manifest.
    """
    resources = [_resource(m, stack) for file in files for m in _manifests(file)]
    try:
        leave = load(waivers) if waivers else Waivers.none()
    except (OSError, ValueError) as error:
        raise typer.BadParameter(str(error), param_hint="--waivers") from None
    told = [_told(finding) for finding in _findings(resources, leave)]
    told.sort(key=lambda t: (t.level is not Level.MANDATORY, t.rule, t.resource, t.path))
    if as_json:
        typer.echo(RootModel[list[Told]](told).model_dump_json(indent=2))
    else:
        _show(told, len(resources))
    if any(strict or finding.level is Level.MANDATORY for finding in told):
        raise typer.Exit(FOUND)


def _findings(resources: Sequence[Resource], waivers: Waivers) -> Iterator[Finding]:
    yield from check(resources, waivers=waivers)
    yield from check_waivers(resources, waivers)


def _resource(manifest: Mapping[str, Any], stack: str) -> Resource:
    metadata: Mapping[str, Any] = manifest.get("metadata") or {}
    urn = f"urn:pulumi:{stack}::::{manifest['kind']}::{metadata.get('name', '')}" if stack else ""
    return Resource.of(manifest, urn)


def _manifests(file: Path) -> Iterator[Mapping[str, Any]]:
    """The objects in *file*, or in the manifests of a folder; those of lists one by one."""
    if file == _STDIN:
        yield from _objects(sys.stdin.read(), "standard input")
        return
    if not file.exists():
        message = f"{file} does not exist"
        raise typer.BadParameter(message, param_hint="FILE")
    inside = (
        sorted(p for p in file.rglob("*") if p.suffix in _SUFFIXES) if file.is_dir() else [file]
    )
    for path in inside:
        yield from _objects(path.read_text(encoding="utf-8"), str(path))


def _objects(text: str, source: str) -> Iterator[Mapping[str, Any]]:
    try:
        documents: list[Any] = list(yaml.load_all(text, yaml.CSafeLoader))
    except yaml.YAMLError as error:
        message = f"{source} is no YAML: {error}"
        raise typer.BadParameter(message, param_hint="FILE") from None
    for document in documents:
        if document is not None:
            yield from _listed(document, source)


def _listed(document: object, source: str) -> Iterator[Mapping[str, Any]]:
    if not isinstance(document, Mapping) or not {"apiVersion", "kind"} <= set(document):
        message = (
            f"{source}: got something without apiVersion and kind; allowed: Kubernetes objects"
        )
        raise typer.BadParameter(message, param_hint="FILE")
    if str(document["kind"]).endswith("List") and isinstance(document.get("items"), list):
        for item in document["items"]:
            yield from _listed(item, source)
    else:
        yield document


def _told(finding: Finding) -> Told:
    return Told(
        rule=finding.rule,
        level=finding.level,
        severity=BY_ID[finding.rule].severity,
        resource=finding.resource.id if finding.resource else "",
        path=finding.path,
        got=finding.got,
        allowed=finding.allowed,
        change=finding.change,
    )


def _show(told: Sequence[Told], objects: int) -> None:
    console = Console()
    if told:
        table = Table("rule", "where", "what it is, and what to do", show_lines=True)
        table.columns[0].no_wrap = True
        for finding in told:
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
    mandatory = sum(finding.level is Level.MANDATORY for finding in told)
    advice = len(told) - mandatory
    console.print(f"{objects} objects: {mandatory} findings, {advice} pieces of advice")
