"""The fewest GPUs that hold a model, and how it is spread over them."""

from hypothesis import given
from hypothesis import strategies as st

from catalog.gpus import GpuSpec, gpu, gpus
from catalog.models import ModelSpec, WeightDtype, model, models
from sizing.memory import tensor_parallel_sizes
from sizing.search import Parallelism, SizingRequest, evaluate, parallelisms, placements, smallest
from tests.unit.sizing.architectures import architecture


def request(
    spec: str | ModelSpec, dtype: WeightDtype | None = None, context: int = 8192, at_once: int = 1
) -> SizingRequest:
    found = model(spec) if isinstance(spec, str) else spec
    known = found.architecture.max_context if found.architecture else 1
    return SizingRequest(
        model=found,
        dtype=dtype or found.serve_dtype,
        context_tokens=min(context, known),
        concurrency=at_once,
    )


def test_a_72b_in_fp8_with_32k_takes_one_h200() -> None:
    found = smallest(request("qwen2.5-72b", "fp8", 32768), gpu("h200-141gb"))
    assert found is not None
    assert (found.gpus, found.tensor_parallel, found.pipeline_parallel, found.nodes) == (1, 1, 1, 1)


def test_linked_gpus_share_layers_and_others_share_them_out() -> None:
    # A 70B model needs at least two A100 80GB; 48 GB cards take more of them.
    linked = smallest(request("llama-3.3-70b", "fp8"), gpu("a100-80gb"))
    alone = smallest(request("llama-3.3-70b", "fp8"), gpu("l40s-48gb"))
    assert linked is not None
    assert alone is not None
    assert (linked.tensor_parallel, linked.pipeline_parallel) == (2, 1)
    assert (alone.tensor_parallel, alone.pipeline_parallel) == (1, 2)


def test_linked_gpus_are_not_staged_within_a_node_to_save_one() -> None:
    # Three H100 in three stages would hold it too, and answer as slowly as one.
    question = request("llama-3.3-70b", "bf16")
    assert evaluate(
        question, gpu("h100-80gb"), Parallelism(tensor_parallel=1, pipeline_parallel=3)
    ).fit.fits
    found = smallest(question, gpu("h100-80gb"))
    assert found is not None
    assert (found.tensor_parallel, found.pipeline_parallel) == (4, 1)


def test_a_model_wider_than_a_node_is_split_within_nodes_and_staged_over_them() -> None:
    found = smallest(request("llama-3.1-405b", "bf16"), gpu("h100-80gb"))
    assert found is not None
    assert (found.gpus, found.nodes, found.tensor_parallel, found.pipeline_parallel) == (
        16,
        2,
        8,
        2,
    )


def test_heads_that_do_not_divide_by_eight_still_find_a_placement() -> None:
    llama = model("llama-3.3-70b")
    heads = architecture(llama).model_copy(update={"heads": 60, "kv_heads": 10})
    question = request(llama.model_copy(update={"architecture": heads}), context=131072, at_once=32)
    found = smallest(question, gpu("h100-80gb"))
    assert found is not None
    assert heads.heads % found.tensor_parallel == 0
    assert found.fit.fits


@given(
    st.sampled_from([*models().values()]),
    st.sampled_from([*gpus().values()]),
    st.integers(1, 64),
)
def test_what_is_suggested_fits_divides_and_no_fewer_gpus_would_do(
    spec: ModelSpec, card: GpuSpec, at_once: int
) -> None:
    question = request(spec, at_once=at_once)
    found = smallest(question, card)
    if found is None:
        return
    assert found.fit.fits
    assert found.tensor_parallel in tensor_parallel_sizes(spec.architecture, 8)
    assert found.gpus == found.tensor_parallel * found.pipeline_parallel
    assert found.nodes == -(-found.gpus // 8)
    assert found.gpus <= 8 or found.gpus % 8 == 0
    if not card.nvlink:
        fewer = [
            way for n in range(1, found.gpus) for way in parallelisms(spec.architecture, card, n)
        ]
        assert not [way for way in fewer if evaluate(question, card, way).fit.fits]
    else:
        fewer_shared = [
            tensor_parallel
            for tensor_parallel in tensor_parallel_sizes(spec.architecture, 8)
            if tensor_parallel < found.tensor_parallel
        ]
        assert not [
            size
            for size in fewer_shared
            if evaluate(
                question, card, Parallelism(tensor_parallel=size, pipeline_parallel=1)
            ).fit.fits
        ]


def test_placements_are_listed_from_the_fewest_gpus_and_leave_out_cards_that_cannot() -> None:
    found = placements(
        request("llama-3.1-405b", "bf16", at_once=64, context=131072), gpus().values()
    )
    assert [each.gpus for each in found] == sorted(each.gpus for each in found)
    assert "b200-180gb" in {each.gpu for each in found}
    assert "l4-24gb" not in {each.gpu for each in found}


def test_speech_and_images_are_never_split() -> None:
    spoken = model("qwen3-4b").model_copy(update={"architecture": None, "working_bytes": 10**9})
    assert parallelisms(spoken.architecture, gpu("h100-80gb"), 1) == [
        Parallelism(tensor_parallel=1, pipeline_parallel=1)
    ]
    assert parallelisms(spoken.architecture, gpu("h100-80gb"), 2) == []
