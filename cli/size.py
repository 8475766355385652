"""`pai size`: size a model: GPU memory, where it fits, upper bounds of its speed."""

import json
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console

from base.problems import Problem
from catalog.gpus import gpus as all_gpus
from catalog.models import ModelSpec, WeightDtype
from cli.errors import UsageError
from cli.size_hub import Place, from_hub
from cli.size_view import show
from cli.size_words import catalog_model, gpu_of, kv_dtype, refuse_model, weight_dtype
from sizing.hf_config import model_from_config
from sizing.hf_fields import ConfigUnreadableError
from sizing.report import report
from sizing.search import SizingRequest, parallelisms

DOES_NOT_FIT = 3
"""Exit code when it does not fit; 1 is an error, 2 a usage error."""

_MOST_GPUS, _MOST_REQUESTS = 100_000, 1_000_000
"""More than any installation has: larger numbers are slips of the keyboard."""
_DEFAULT_CONTEXT = 32768
"""Tokens, if the model supports as many: long enough for documents."""


def size(
    model: Annotated[
        str | None,
        typer.Argument(
            metavar="MODEL",
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
        typer.Option(help="GPU, such as H100. Default: compare all GPUs of the catalog."),
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
            f" {_DEFAULT_CONTEXT}.",
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
        str, typer.Option(help="Read from the model store of this stack instead of the hub.")
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
    spec, asked = _model(model, config, index, Place(endpoint, stack, revision))
    request = SizingRequest(
        model=spec,
        dtype=weight_dtype(dtype) if dtype else asked or spec.serve_dtype,
        kv_dtype=kv_dtype(kv_dtype_),
        context_tokens=_context(spec, context),
        concurrency=concurrency,
    )
    card = gpu_of(gpu) if gpu else None
    at = None
    if card:
        ways = parallelisms(spec.architecture, card, gpus)
        if not ways:
            _refuse(
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
        raise typer.Exit(DOES_NOT_FIT)


def _model(
    name: str | None, config: Path | None, index: Path | None, place: Place
) -> tuple[ModelSpec, WeightDtype | None]:
    """The model, from the catalog, a config.json or the hub; the type of weights that it names."""
    if index and not config:
        allowed = "an index together with --config: the catalog has the sizes of its models"
        _refuse("--index", str(index), allowed, "add --config, or remove --index")
    if bool(name) == bool(config):
        got = "both MODEL and --config" if name else "neither MODEL nor --config"
        change = "name a model, or pass its config.json"
        _refuse("MODEL", got, "exactly one of the two", change)
    if config:
        return _from_file(config, index), None
    name = name or ""
    if (found := None if place.explicit else catalog_model(name)) is not None:
        return found
    if name.count("/") != 1:
        refuse_model(name)
    return from_hub(name, place), None


def _from_file(config: Path, index: Path | None) -> ModelSpec:
    """The model of a config.json, under the name that the file has for it."""
    content = _json(config)
    called = content.get("_name_or_path")
    name = called if isinstance(called, str) and called else config.name.removesuffix(".json")
    beside = config.with_name("hf_quant_config.json")
    quantization = _json(beside) if beside.is_file() else None
    try:
        return model_from_config(content, name, _json(index) if index else None, quantization)
    except ConfigUnreadableError as error:
        raise UsageError(*error.problems, head=str(error).partition("\n")[0]) from None


def _refuse(path: str, got: str, allowed: str, change: str) -> NoReturn:
    raise UsageError(Problem(path, got, allowed, change)) from None


def _json(file: Path) -> dict[str, Any]:
    """The object in *file*."""
    try:
        content: object = json.loads(file.read_text(encoding="utf-8"))
    except RecursionError:
        content = f"{file.name}, which is nested too deep"
    except (OSError, ValueError) as error:  # not UTF-8, not JSON, a number of too many digits
        content = f"{file.name}, which is not JSON: {error}"
    if not isinstance(content, dict):
        got = content if isinstance(content, str) else f"{file.name}, which is not a JSON object"
        _refuse("--config", got, "a JSON object", "pass the file as the hub serves it")
    return content


def _context(spec: ModelSpec, context: int | None) -> int:
    """The context to size for, which the model must support."""
    known = spec.architecture.max_context if spec.architecture else 1
    if context and spec.architecture and context > known:
        allowed = f"at most {known} tokens, the maximum of {spec.key}"
        _refuse("--context", str(context), allowed, "lower it")
    return context or min(known, _DEFAULT_CONTEXT)
