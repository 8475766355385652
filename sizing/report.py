"""The report of `pai size` on a model, on given GPUs or any; its fields are the JSON keys."""

from collections.abc import Iterable, Iterator, Mapping

from base.model import Model
from catalog.gpus import GpuSpec
from sizing.kv import index_bytes_per_token, kv_bytes, kv_bytes_per_token
from sizing.parameters import mtp_parameters
from sizing.roofline import Roofline
from sizing.search import (
    Parallelism,
    Placement,
    SizingRequest,
    evaluate,
    placements,
    smallest,
)
from sizing.weights import nominal_weights_bytes, weights_bytes


class SizeReport(Model):
    """Memory of a model and where it fits; in bytes, tokens and tokens per second."""

    model: str
    dtype: str
    """Type of the weights."""
    kv_dtype: str
    context: int
    """Tokens per request, prompt and answer together."""
    concurrency: int
    """Requests of that length whose cache must fit at once."""
    parameters: int
    """All parameters of the checkpoint."""
    mtp_parameters: int
    """Those of them that are for multi-token prediction, which speculative decoding alone loads."""
    weights_bytes: int
    """All weights of one replica: the published size where known, else summed over the tensors."""
    nominal_weights_bytes: int
    """Parameters times the bits in the type's name; checkpoints are larger."""
    kv_bytes_per_token: int
    """KV cache per token over all layers, before it is divided or replicated over GPUs."""
    index_bytes_per_token: int
    """Part of it that is keys of sparse attention's index."""
    kv_bytes_per_request: int
    """KV cache per request of `context` tokens, likewise."""
    gpu: str | None
    """The GPU given with `--gpu`; without one, this and the fields up to `roofline` are null."""
    gpus: int | None
    tensor_parallel: int | None
    """GPUs that share each layer."""
    pipeline_parallel: int | None
    """Pipeline stages, among which the layers are divided."""
    per_gpu_weights_bytes: int | None
    per_gpu_kv_bytes: int | None
    overhead_bytes: int | None
    """Activations, CUDA graphs and runtime per GPU: the larger of the published estimates."""
    overhead_uncertainty_bytes: int | None
    """Difference between that and the lowest published estimate."""
    per_gpu_bytes: int | None
    """Memory that the fullest GPU needs: weights, KV cache and overhead."""
    budget_bytes: int | None
    """Memory that the engine may use on each GPU."""
    gpu_bytes: int | None
    """Memory of each GPU."""
    headroom_bytes: int | None
    """budget_bytes - per_gpu_bytes; negative where it does not fit."""
    max_context: int | None
    """Longest context that fits at `concurrency`, tokens."""
    max_concurrency: int | None
    """Requests of `context` tokens that fit at once; null where no KV cache limits them."""
    roofline: Roofline | None
    """Upper bounds of speed; null where it does not fit, and for speech and images."""
    fits: bool
    """Whether it fits on the given GPUs; without any, whether there is a placement."""
    remedies: list[str]
    """Options with which it would fit, where it does not."""
    placements: list[Placement]
    """The fewest GPUs of each kind of the catalog that hold it."""
    notes: list[str]
    """What the size leaves out or assumes."""


def report(
    request: SizingRequest, gpus: Iterable[GpuSpec], at: tuple[GpuSpec, Parallelism] | None
) -> SizeReport:
    """The request *at* given GPUs, if there are any, and its placements on each of *gpus*."""
    model, arch = request.model, request.model.architecture
    found = placements(request, gpus)
    here = evaluate(request, *at) if at else None
    fit = here.fit if here else None
    return SizeReport(
        model=model.key,
        dtype=request.dtype,
        kv_dtype=request.kv_dtype,
        context=request.context_tokens,
        concurrency=request.concurrency,
        parameters=model.parameters,
        mtp_parameters=mtp_parameters(arch) if arch else 0,
        weights_bytes=weights_bytes(model, request.dtype),
        nominal_weights_bytes=nominal_weights_bytes(model, request.dtype),
        kv_bytes_per_token=kv_bytes_per_token(arch, request.kv_dtype) if arch else 0,
        index_bytes_per_token=index_bytes_per_token(arch, request.kv_dtype) if arch else 0,
        kv_bytes_per_request=kv_bytes(arch, request.context_tokens, request.kv_dtype)
        if arch
        else 0,
        gpu=here.gpu if here else None,
        gpus=here.gpus if here else None,
        tensor_parallel=here.tensor_parallel if here else None,
        pipeline_parallel=here.pipeline_parallel if here else None,
        per_gpu_weights_bytes=fit.weights_bytes if fit else None,
        per_gpu_kv_bytes=fit.kv_bytes if fit else None,
        overhead_bytes=fit.overhead_bytes if fit else None,
        overhead_uncertainty_bytes=fit.overhead_uncertainty_bytes if fit else None,
        per_gpu_bytes=fit.per_gpu_bytes if fit else None,
        budget_bytes=fit.budget_bytes if fit else None,
        gpu_bytes=fit.gpu_bytes if fit else None,
        headroom_bytes=fit.headroom_bytes if fit else None,
        max_context=fit.max_context_tokens if fit else None,
        max_concurrency=fit.max_concurrency if fit else None,
        roofline=here.roofline if here and here.fit.fits else None,
        fits=fit.fits if fit else bool(found),
        remedies=[] if at is None or fit is None or fit.fits else [*_remedies(request, *at)],
        placements=found,
        notes=model.notes,
    )


def _remedies(request: SizingRequest, gpu: GpuSpec, parallelism: Parallelism) -> Iterator[str]:
    """Options to change, the smallest change first: request, types, number of GPUs."""
    here = evaluate(request, gpu, parallelism).fit
    if here.max_context_tokens:
        yield f"--context {here.max_context_tokens}"
    if here.max_concurrency:
        yield f"--concurrency {here.max_concurrency}"
    narrower = [
        change
        for change in _narrower(request)
        if evaluate(request.model_copy(update=change), gpu, parallelism).fit.fits
    ]
    alone = [change for change in narrower if len(change) == 1]
    for change in alone or narrower:
        yield " ".join(f"--{name.replace('_', '-')} {to}" for name, to in change.items())
    more = smallest(request, gpu)
    if more:
        yield f"--gpus {more.gpus} (tp {more.tensor_parallel} x pp {more.pipeline_parallel})"


def _narrower(request: SizingRequest) -> Iterator[Mapping[str, str]]:
    """Types to try: an FP8 KV cache, other published weights, both."""
    caches: list[dict[str, str]] = [{"kv_dtype": "fp8"}] if request.kv_dtype == "auto" else []
    others = [dtype for dtype in request.model.checkpoints if dtype != request.dtype]
    weights: list[dict[str, str]] = [{"dtype": dtype} for dtype in others]
    yield from (*caches, *weights)
    yield from ({**one, **other} for one in weights for other in caches)
