"""What `pai size` says of a model, on given GPUs or in search of some; its fields are the JSON."""

from collections.abc import Iterable, Iterator

from base.model import Model
from catalog.gpus import GpuSpec
from sizing.kv import kv_bytes, kv_bytes_per_token
from sizing.roofline import Roofline
from sizing.search import Asked, Cut, Placement, on, placements, smallest
from sizing.weights import nominal_weights_bytes, weights_bytes


class SizeReport(Model):
    """Memory of a model and where it fits; bytes, tokens, tokens a second."""

    model: str
    dtype: str
    """Type of the weights."""
    kv_dtype: str
    context: int
    """Tokens of each request, prompt and answer together."""
    concurrency: int
    """Requests of that length whose cache must fit at once."""
    weights_bytes: int
    """All weights of one replica: as published where the catalog knows, else tensor by tensor."""
    nominal_weights_bytes: int
    """Parameters times the bits of the type, as people say it; checkpoints are larger."""
    kv_bytes_per_token: int
    """Cache of one token over all layers, before it is cut or copied over GPUs."""
    kv_bytes_per_request: int
    """Cache of one request of `context` tokens, likewise."""
    gpu: str | None
    """The GPU asked about; with None this and the fields up to `roofline` are null."""
    gpus: int | None
    tp: int | None
    """How many GPUs share each layer."""
    pp: int | None
    """How many stages share out the layers."""
    per_gpu_weights_bytes: int | None
    per_gpu_kv_bytes: int | None
    overhead_bytes: int | None
    """Activations, CUDA graphs and runtime on each GPU: the larger of the published estimates."""
    overhead_uncertainty_bytes: int | None
    """How far below that the lowest published estimate is."""
    per_gpu_bytes: int | None
    """What the fullest GPU must grant: weights, cache and overhead."""
    budget_bytes: int | None
    """What the engine may use of each GPU."""
    gpu_bytes: int | None
    """Memory of each GPU."""
    headroom_bytes: int | None
    """budget_bytes - per_gpu_bytes; negative where it does not fit."""
    max_context: int | None
    """Longest context that fits at `concurrency`."""
    max_concurrency: int | None
    """Requests of `context` that fit at once; null where no cache limits them."""
    roofline: Roofline | None
    """Upper bounds of speed; null where it does not fit, and for speech and images."""
    fits: bool
    """Whether it fits on the GPUs asked about; without any, whether there is a placement."""
    remedies: list[str]
    """What would make it fit, when it does not."""
    placements: list[Placement]
    """The fewest GPUs of each kind of the catalog that hold it."""


def report(asked: Asked, gpus: Iterable[GpuSpec], at: tuple[GpuSpec, Cut] | None) -> SizeReport:
    """What is asked *at* given GPUs, if there are any, and its placements on each of *gpus*."""
    model, arch = asked.model, asked.model.architecture
    found = placements(asked, gpus)
    here = on(asked, *at) if at else None
    of = here.fit if here else None
    return SizeReport(
        model=model.key,
        dtype=asked.dtype,
        kv_dtype=asked.kv_dtype,
        context=asked.context_tokens,
        concurrency=asked.concurrency,
        weights_bytes=weights_bytes(model, asked.dtype),
        nominal_weights_bytes=nominal_weights_bytes(model, asked.dtype),
        kv_bytes_per_token=kv_bytes_per_token(arch, asked.kv_dtype) if arch else 0,
        kv_bytes_per_request=kv_bytes(arch, asked.context_tokens, asked.kv_dtype) if arch else 0,
        gpu=here and here.gpu,
        gpus=here and here.gpus,
        tp=here and here.tp,
        pp=here and here.pp,
        per_gpu_weights_bytes=of and of.weights_bytes,
        per_gpu_kv_bytes=of and of.kv_bytes,
        overhead_bytes=of and of.overhead_bytes,
        overhead_uncertainty_bytes=of and of.overhead_uncertainty_bytes,
        per_gpu_bytes=of and of.per_gpu_bytes,
        budget_bytes=of and of.budget_bytes,
        gpu_bytes=of and of.gpu_bytes,
        headroom_bytes=of and of.headroom_bytes,
        max_context=of and of.max_context_tokens,
        max_concurrency=of and of.max_concurrency,
        roofline=here.roofline if here and here.fit.fits else None,
        fits=of.fits if of else bool(found),
        remedies=[] if at is None or here is None or here.fit.fits else [*_remedies(asked, *at)],
        placements=found,
    )


def _remedies(asked: Asked, gpu: GpuSpec, cut: Cut) -> Iterator[str]:
    """What to change, least first: the request, the types, the number of GPUs."""
    here = on(asked, gpu, cut).fit
    if here.max_context_tokens:
        yield f"--context {here.max_context_tokens}"
    if here.max_concurrency:
        yield f"--concurrency {here.max_concurrency}"
    narrower = [
        change
        for change in _narrower(asked)
        if on(asked.model_copy(update=change), gpu, cut).fit.fits
    ]
    alone = [change for change in narrower if len(change) == 1]
    for change in alone or narrower:
        yield " ".join(f"--{name.replace('_', '-')} {to}" for name, to in change.items())
    more = smallest(asked, gpu)
    if more:
        yield f"--gpus {more.gpus} (tp {more.tp} x pp {more.pp})"


def _narrower(asked: Asked) -> Iterator[dict[str, str]]:
    """Types to try: an FP8 cache, other published weights, both."""
    caches: list[dict[str, str]] = [{"kv_dtype": "fp8"}] if asked.kv_dtype == "auto" else []
    weights = [{"dtype": dtype} for dtype in asked.model.checkpoints if dtype != asked.dtype]
    yield from (*caches, *weights)
    yield from ({**one, **other} for one in weights for other in caches)
