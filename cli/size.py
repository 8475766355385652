"""`pai size`: size a model: GPU memory, where it fits, upper bounds of its speed."""

from pathlib import Path
from typing import Annotated

import typer

from cli import complete
from cli.exit_codes import ExitCode
from cli.options import stack_option

_MOST_GPUS, _MOST_REQUESTS = 100_000, 1_000_000
"""More than any installation has: larger numbers are slips of the keyboard."""


def size(
    model: Annotated[
        str | None,
        typer.Argument(
            metavar="MODEL",
            autocompletion=complete.models,
            help="Key, as in `pai models list`, or a name of the hub (ORGANIZATION/NAME); what the"
            " catalog lacks is read from the hub.",
        ),
    ] = None,
    *,
    config: Annotated[
        Path | None,
        typer.Option(
            exists=True, dir_okay=False, help="config.json of any model on a hub, instead."
        ),
    ] = None,
    index: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="model.safetensors.index.json, for the exact size of the weights.",
        ),
    ] = None,
    gpu: Annotated[
        str | None,
        typer.Option(
            help="GPU, such as H100. Default: compare all GPUs of the catalog.",
            autocompletion=complete.gpus,
        ),
    ] = None,
    gpus: Annotated[int, typer.Option(min=1, max=_MOST_GPUS, help="GPUs per replica.")] = 1,
    dtype: Annotated[
        str | None,
        typer.Option(
            help="Data type of the weights, such as bf16, fp8 or int4. Default: the model's own."
        ),
    ] = None,
    kv_dtype_: Annotated[
        str,
        typer.Option(
            "--kv-dtype", help="Data type of the KV cache, such as fp8; auto, bf16: 16 bits."
        ),
    ] = "auto",
    context: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Tokens per request, prompt plus output. Default: the model's maximum, up to"
            " 32768.",
        ),
    ] = None,
    concurrency: Annotated[
        int,
        typer.Option(
            min=1,
            max=_MOST_REQUESTS,
            help="Concurrent requests of that length whose cache must fit.",
        ),
    ] = 1,
    endpoint: Annotated[
        str | None,
        typer.Option(
            envvar="HF_ENDPOINT", help="Hub, or a mirror of it with the same API. HTTPS only."
        ),
    ] = None,
    stack: Annotated[
        str, stack_option("Read from the model store of this stack instead of the hub.")
    ] = "",
    revision: Annotated[
        str, typer.Option(help="Commit to read; a mirror needs it. Default: the hub's main.")
    ] = "",
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON; docs/explanation/sizing.md lists the keys.")
    ] = False,
) -> None:
    """Show the GPU memory of a model, where it fits, and upper bounds of its speed.

    Exit codes: 0 it fits (without --gpu: on some GPU of the catalog), 1 the hub does not answer,
    2 wrong options or a model that cannot be sized, 3 it does not fit.
    """
    from rich.console import Console

    from catalog.gpus import gpus as all_gpus
    from cli.size_hub import Place
    from cli.size_model import asked_model, context_tokens, refuse
    from cli.size_view import show
    from cli.size_words import gpu_of, kv_dtype, weight_dtype
    from sizing.report import report
    from sizing.search import SizingRequest, parallelisms

    spec, asked = asked_model(model, config, index, Place(endpoint, stack, revision))
    request = SizingRequest(
        model=spec,
        dtype=weight_dtype(dtype) if dtype else asked or spec.serve_dtype,
        kv_dtype=kv_dtype(kv_dtype_),
        context_tokens=context_tokens(spec, context),
        concurrency=concurrency,
    )
    card = gpu_of(gpu) if gpu else None
    at = None
    if card:
        ways = parallelisms(spec.architecture, card, gpus)
        if not ways:
            refuse(
                "--gpus",
                str(gpus),
                f"a number that divides the layers or attention heads of {spec.key}",
                "try a power of two",
            )
        at = (card, ways[0])
    found = report(request, all_gpus().values(), at)
    if as_json:
        typer.echo(found.model_dump_json(indent=2))
    else:
        show(Console(), spec, found)
    if not found.fits:
        raise typer.Exit(ExitCode.DIFFERS)
