"""`pai lint`: check plain manifests against the policies."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from cli.options import stack_option


class Format(StrEnum):
    """What the findings are printed as."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"
    GITHUB = "github"
    JUNIT = "junit"


def lint(
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="FILE…",
            help="Manifests in YAML or JSON, folders of them, or - for standard input.",
        ),
    ] = None,
    *,
    form: Annotated[Format, typer.Option("--format", help="Output format.")] = Format.TEXT,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON: --format json.")] = False,
    explained: Annotated[
        str, typer.Option("--explain", metavar="RULE", help="Explain a rule, and check nothing.")
    ] = "",
    waivers: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="Waivers to apply, in the format of policies/waivers.yaml. Default: none.",
        ),
    ] = None,
    stack: Annotated[
        str,
        stack_option(
            "Stack of the manifests: what Pulumi.STACK.yaml in this folder declares, and"
            " waivers.STACK.yaml waives, applies."
        ),
    ] = "",
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit 1 for advisory findings too.")
    ] = False,
) -> None:
    """Check Kubernetes manifests against the policies, without Pulumi or a cluster.

    One line a finding, the gravest first. Custom resources are searched for pod templates; kinds
    that no rule reads are named. A file that cannot be read hides no other.

    Rules about what only Pulumi knows (protection, secrets in the state) do not apply. To check a
    deployed stack: `pulumi policy analyze --policy-pack policies/pack --stack NAME`.

    Exit codes: 0 no mandatory finding, 1 mandatory findings, 2 usage error, or a file that holds no
    manifest.
    """
    from base.problems import Problem
    from cli import lint_run
    from cli.errors import UsageError

    if explained:
        typer.echo(lint_run.explained(explained))
    elif files:
        lint_run.run(files, waivers, stack, "json" if as_json else form, strict=strict)
    else:
        raise UsageError(
            Problem("FILE", "nothing", "manifests, folders of them, or -", "name a file")
        )
