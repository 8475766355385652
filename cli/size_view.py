"""The report of `pai size` for a terminal."""

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table
from rich.text import Text

from base.units import GIB
from catalog.models import ModelSpec
from cli.bars import gigabytes, legend, memory_bar, number
from sizing.report import SizeReport
from sizing.roofline import Roofline
from sizing.search import Placement


def show(console: Console, model: ModelSpec, found: SizeReport) -> None:
    """Print all of it, the verdict first."""
    console.print(_verdict(found), soft_wrap=True)
    console.print(Text(model.title, style="bold"))
    console.print(_numbers(found))
    for note in found.notes:
        console.print(f"note: {note}", style="yellow", soft_wrap=True)
    if found.gpu:
        console.print()
        _here(console, found)
    console.print()
    if found.placements:
        console.print(_placements(found.placements))
        console.print(legend())
        console.print(
            "tokens/s: upper bounds (roofline) of generated tokens over all requests; for embedding"
            " models, of prompt tokens",
            style="dim",
        )


def _verdict(found: SizeReport) -> Text:
    """Whether it fits, and where."""
    if found.gpu:
        where = f"on {found.gpus} {found.gpu}"
        if found.fits:
            return Text(f"fits {where}, {gigabytes(found.headroom_bytes or 0)} free", "green")
        short = gigabytes(-(found.headroom_bytes or 0))
        return Text(f"does not fit {where}: {short} too much per GPU", "bold red")
    if not found.placements:
        return Text("fits on no GPU of the catalog, not even on 64", "bold red")
    fewest = found.placements[0].gpus
    kinds = [each.gpu for each in found.placements if each.gpus == fewest]
    return Text(f"fits, on {fewest} {' or '.join(kinds[:3])} at the fewest", "green")


def _numbers(found: SizeReport) -> Table:
    table = Table(show_header=False, box=None, pad_edge=False)
    further = f", {number(found.mtp_parameters)} of them for MTP" if found.mtp_parameters else ""
    table.add_row("parameters", f"{number(found.parameters)}{further}")
    table.add_row(
        f"weights, {found.dtype}",
        f"{gigabytes(found.weights_bytes)} stored,"
        f" {gigabytes(found.nominal_weights_bytes)} nominal",
    )
    if found.kv_bytes_per_request:
        cache = "16 bits" if found.kv_dtype == "auto" else found.kv_dtype
        windowed = found.kv_bytes_per_request < found.kv_bytes_per_token * found.context
        table.add_row(
            f"KV cache, {cache}",
            f"{'up to ' if windowed else ''}{number(found.kv_bytes_per_token)} bytes per token,"
            f" {_both(found.kv_bytes_per_request)} for {number(found.context)} tokens",
        )
    if found.index_bytes_per_token:
        table.add_row("", f"{number(found.index_bytes_per_token)} of them keys of its index")
    if found.concurrency > 1:
        table.add_row("concurrent requests", f"{found.concurrency} of that length")
    return table


def _here(console: Console, found: SizeReport) -> None:
    """The requested GPUs: memory bar, verdict, limits, and what to change."""
    count = "one" if found.gpus == 1 else f"each of {found.gpus}"
    cut = f" (tp {found.tensor_parallel} x pp {found.pipeline_parallel})" if found.gpus != 1 else ""
    console.print(Text(f"{count} {found.gpu}{cut}", style="bold"))
    weights, cache = found.per_gpu_weights_bytes or 0, found.per_gpu_kv_bytes or 0
    overhead, total = found.overhead_bytes or 0, found.gpu_bytes or 1
    console.print(memory_bar(weights, cache, overhead, total))
    console.print(
        f"weights {gigabytes(weights)} + KV cache {gigabytes(cache)} + overhead"
        f" {gigabytes(overhead)} (or {gigabytes(found.overhead_uncertainty_bytes or 0)} less)"
        f" = {gigabytes(found.per_gpu_bytes or 0)}"
        f" of {gigabytes(found.budget_bytes or 0)} usable, {gigabytes(total)} installed",
        soft_wrap=True,
    )
    if not found.fits:
        for remedy in found.remedies:
            console.print(f"  fits with  {remedy}", soft_wrap=True)
        return
    if found.max_context:
        console.print(f"max context          {number(found.max_context)} tokens")
    if found.max_concurrency is not None:
        console.print(
            f"max requests         {number(found.max_concurrency)} concurrent, of that length"
        )
    if found.roofline:
        console.print(f"at most              {_speed(found.roofline)}", soft_wrap=True)


def _placements(found: list[Placement]) -> Table:
    table = Table(
        title="Fewest GPUs of each kind", title_justify="left", box=SIMPLE, padding=(0, 1, 0, 0)
    )
    table.add_column("GPU", no_wrap=True)
    table.add_column("GPUs\n(tp x pp)", no_wrap=True)
    table.add_column("memory of each", no_wrap=True)
    table.add_column("free", justify="right", no_wrap=True)
    table.add_column("requests", justify="right", no_wrap=True)
    table.add_column("tokens/s\n≤", justify="right", no_wrap=True)
    for each in found:
        fit, speed = each.fit, each.roofline
        write = speed.decode_tokens_per_second if speed else None
        table.add_row(
            each.gpu,
            f"{each.gpus} ({each.tensor_parallel} x {each.pipeline_parallel})"
            if each.gpus > 1
            else "1",
            memory_bar(fit.weights_bytes, fit.kv_bytes, fit.overhead_bytes, fit.gpu_bytes),
            gigabytes(fit.headroom_bytes),
            number(fit.max_concurrency),
            number(write or (speed.prefill_tokens_per_second if speed else None)),
        )
    return table


def _speed(roofline: Roofline) -> str:
    read = f"{number(roofline.prefill_tokens_per_second)} prompt tokens/s"
    if roofline.decode_tokens_per_second is None:
        return read
    return (
        f"{number(roofline.decode_tokens_per_second)} generated tokens/s"
        f" ({number(roofline.decode_tokens_per_second_per_request)} per request;"
        f" bound by {roofline.decode_limit}), {read}"
    )


def _both(size: int) -> str:
    return f"{gigabytes(size)} ({size / GIB:.1f} GiB)"
