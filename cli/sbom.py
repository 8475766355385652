"""`pai sbom`: the bill of materials of a stack."""

import os
from pathlib import Path
from typing import Annotated

import typer

from cli.options import stack_option

_EPOCH = "SOURCE_DATE_EPOCH"


def sbom(
    stack: Annotated[str, stack_option("Stack to describe.")],
    out: Annotated[
        Path | None, typer.Option(help="File for the document. Default: standard output.")
    ] = None,
) -> None:
    """Write what a stack consists of, as CycloneDX 1.6 (JSON).

    Container images with digests and licenses, models with commits and hashes, the operators that
    the cluster must have; and what deploys them: Python packages, Pulumi's programs and the Go
    modules that those are built of. What is not known is NOASSERTION, not guessed.

    The same stack and toolchain give the same bytes; their time is that of SOURCE_DATE_EPOCH, if
    set.

    Exit codes: 0 written, 1 the stack's file has problems, 2 usage error.
    """
    from base.problems import Problem
    from cli.errors import CommandError, UsageError
    from cli.rendering import rendered
    from cli.stack_file import read_stack
    from review.sbom.deploying import deployer_items
    from review.sbom.document import Item, document
    from review.sbom.running import image_items, model_items, operator_items
    from toolchain.environment import PROJECT

    settings = read_stack(stack)
    epoch = os.environ.get(_EPOCH)
    if epoch and not epoch.isdecimal():
        raise UsageError(
            Problem(_EPOCH, epoch, "seconds since 1970, digits alone", "correct or unset it")
        )
    running = [
        *image_items(rendered(stack), settings.platform.registry_prefix),
        *model_items(settings),
        *operator_items(settings),
    ]
    deployer, *below = deployer_items(PROJECT)
    subject = Item(
        kind="application",
        ref=f"stack:{stack}",
        name=f"private-ai stack {stack}",
        version=deployer.version,
        needs=[item.ref for item in (*running, deployer)],
    )
    text = document(subject, [*running, deployer, *below], epoch=epoch)
    if out is None:
        typer.echo(text, nl=False)
        return
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise CommandError(
            Problem(
                path=f"--out {out}",
                got=error.strerror or "an error",
                allowed="a file that you may write",
                change="name another",
            )
        ) from None
