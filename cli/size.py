"""`pai size`: how much memory a model takes, whether it fits, where, and how fast at most."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from catalog.gpus import gpu as find_gpu
from catalog.gpus import gpus as all_gpus
from catalog.load import UnknownEntryError
from catalog.models import ModelSpec, WeightDtype
from catalog.models import model as find_model
from cli.size_view import show
from sizing.hf_config import model_from_config
from sizing.hf_fields import ConfigUnreadableError
from sizing.memory import KvDtype
from sizing.report import report
from sizing.search import SizingRequest, parallelisms

DOES_NOT_FIT = 3
"""Exit status when it does not fit; 1 and 2 are those of errors and of wrong options."""

_DEFAULT_CONTEXT = 32768
"""Tokens, where the model knows as many: long enough for documents, as the seeds size it."""


def size(
    model: Annotated[
        str | None,
        typer.Argument(metavar="MODEL", help="A model of the catalog (catalog/models.yaml)."),
    ] = None,
    *,
    config: Annotated[
        Path | None,
        typer.Option(
            exists=True, dir_okay=False, help="A config.json instead, of any model on a hub."
        ),
    ] = None,
    index: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="Its model.safetensors.index.json, for the exact size of the weights.",
        ),
    ] = None,
    gpu: Annotated[
        str | None, typer.Option(help="A GPU of the catalog; without it, placements on all.")
    ] = None,
    gpus: Annotated[int, typer.Option(min=1, help="How many of them one replica gets.")] = 1,
    dtype: Annotated[
        WeightDtype | None, typer.Option(help="Type of the weights; default: the model's own.")
    ] = None,
    kv_dtype: Annotated[
        KvDtype, typer.Option(help="Type of the KV cache; auto: the model's 16 bits.")
    ] = "auto",
    context: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Tokens of a request, prompt and answer together; default: what the model knows,"
            f" {_DEFAULT_CONTEXT} at most.",
        ),
    ] = None,
    concurrency: Annotated[
        int, typer.Option(min=1, help="Requests of that length whose cache must fit at once.")
    ] = 1,
    as_json: Annotated[
        bool, typer.Option("--json", help="For scripts; the keys: docs/explanation/sizing.md.")
    ] = False,
) -> None:
    """Say how much GPU memory a model takes, whether it fits, where it would, how fast at most.

    Exit status: 0 if it fits (without --gpu: on some GPU of the catalog), 3 if it does not,
    2 for a wrong option.
    """
    spec = _model(model, config, index)
    request = SizingRequest(
        model=spec,
        dtype=dtype or spec.serve_dtype,
        kv_dtype=kv_dtype,
        context_tokens=_context(spec, context),
        concurrency=concurrency,
    )
    try:
        card = find_gpu(gpu) if gpu else None
    except UnknownEntryError as error:
        raise typer.BadParameter(str(error), param_hint="--gpu") from None
    at = None
    if card:
        ways = parallelisms(spec.architecture, card, gpus)
        if not ways:
            message = f"{gpus} GPUs cannot share {spec.key}: its layers and heads do not divide so"
            raise typer.BadParameter(message, param_hint="--gpus")
        at = (card, ways[0])
    found = report(request, all_gpus().values(), at)
    if as_json:
        typer.echo(found.model_dump_json(indent=2))
    else:
        show(Console(), spec, found)
    if not found.fits:
        raise typer.Exit(DOES_NOT_FIT)


def _model(name: str | None, config: Path | None, index: Path | None) -> ModelSpec:
    """The one model asked about, of the catalog or of a file."""
    if index and not config:
        message = "belongs to --config; the catalog knows the size of its models"
        raise typer.BadParameter(message, param_hint="--index")
    try:
        if config is None and name is not None:
            return find_model(name)
        if config is not None and name is None:
            called = config.resolve().parent.name
            return model_from_config(_json(config), called, _json(index) if index else None)
    except (UnknownEntryError, ConfigUnreadableError) as error:
        raise typer.BadParameter(str(error), param_hint="--config" if config else "MODEL") from None
    message = "give a model of the catalog or --config, one of the two"
    raise typer.BadParameter(message, param_hint="MODEL")


def _json(file: Path) -> dict[str, Any]:
    """The object in *file*."""
    try:
        read: object = json.loads(file.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        message = f"{file.name} is not JSON: {error}"
        raise typer.BadParameter(message, param_hint="--config") from None
    if not isinstance(read, dict):
        message = f"{file.name} holds no JSON object"
        raise typer.BadParameter(message, param_hint="--config")
    return read


def _context(spec: ModelSpec, context: int | None) -> int:
    """The context asked about, which the model must know."""
    known = spec.architecture.max_context if spec.architecture else 1
    if context and spec.architecture and context > known:
        message = f"{context}: {spec.key} knows at most {known} tokens"
        raise typer.BadParameter(message, param_hint="--context")
    return context or min(known, _DEFAULT_CONTEXT)
