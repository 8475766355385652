"""`pai apply`: deploy what was reviewed, and nothing else."""

from typing import Annotated

import typer

from cli.options import stack_option

ReviewedOption = Annotated[
    str,
    typer.Option(
        "--reviewed",
        metavar="REPORT|DIGEST",
        help="The approved report (JSON) or its digest. Only a report shows the differences.",
    ),
]


def apply(
    stack: Annotated[str, stack_option("Stack to deploy.")],
    approved: ReviewedOption,
) -> None:
    """Deploy a stack if a new preview plans exactly what was reviewed.

    Uses the state backend and cluster of the environment, as `pai review` does.

    Exit codes: 0 deployed or nothing to do, 1 the preview or the deployment failed, 2 usage error,
    4 refused by a policy or the rules of upgrades, 5 the configuration is invalid, 6 the preview is
    not what was reviewed, 130 interrupted.
    """
    from rich.console import Console

    from cli import approval, preview
    from cli.deployment import deploy
    from review.report import Verdict
    from review.run import with_pack
    from toolchain.environment import PROJECT

    report = approval.check_approved(stack, approved)
    if report.verdict is Verdict.CLEAN:
        typer.echo(f"{stack}: nothing to do")
        return
    env, _ = preview.environment_for(stack, Console(stderr=True))
    deploy(
        stack,
        ["--skip-preview"],
        with_pack(PROJECT, env),
        planned={r.urn: c.name for c in report.components if c.kind for r in c.resources},
        again="what is left needs a new review",
    )
