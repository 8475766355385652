"""Keys of a config.json that nobody read: a problem each, unless they are known to be harmless.

The rule was chosen by counting over 116 public files (86 of ai-dynamo/aiconfigurator at 095f58a,
36 of this repository's tests): a whole number, a list or an object decides memory more often than
not, under names that follow no pattern (`expand`, `n_group`, `o_groups`, `hc_mult`,
`compress_ratios`), so each of them is asked about; a string, a fraction or a switch seldom does,
and is asked about if its name says so. The next model's key is thereby a question, never a wrong
sum.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from base.problems import Problem
from sizing.hf_fields import Fields

_SAYS_SIZE: Final = re.compile(
    r"size|dim|rank|num_|^n_|width|hidden|layer|block|pattern|expert|moe|mtp|head|attn|attention"
    r"|kv|lora|adapter|cross|shar|latent|dense|sparse|gate|bias|sink|mlp|ffn|ratio|mult|expan"
    r"|quant|dtype|bits|embed|tie|tower|vision|audio"
)
"""Names of strings, fractions and switches that may decide memory."""

HARMLESS: Final[Mapping[str, str]] = {
    "a note of the writer, or a choice of implementation": r"_.*",
    "a token": r".*_token(_id|_ids|_index)?|.*_token_id_list|im_(start|end)_id",
    "positions, which are computed": (
        r"(?!.*(dim|size|rank|layers|heads)$).*(rope|rotary|mrope|yarn).*|rotary_dim|nope_.*"
        r"|partial_rotary_factor|original_max_position_embeddings|initial_context_length"
        r"|position_embedding_type|max_seq_len|(use_)?mla_(use_)?nope|no_rope_layers?"
        r"|no_rope_layer_interval|use_nope.*"
    ),
    "a constant of the arithmetic or of training": (
        r".*(_eps|epsilon|pdrop|dropout|_drop|_dropout_prob|initializer_range|initializer_factor|_std)"
        r"|.*init_method"
    ),
    "a function without weights": (
        r".*(hidden_act|hidden_activation|activation_func|activation_function|activation|act_fn)"
    ),
    "a factor of the arithmetic": (
        r"scale_attn_.*|.*(softcapping|softcap|_clip|clip_qkv|_scale|_scaling|_scaling_factor|scaling|_alpha"
        r"|_beta|swiglu_limit|_multiplier|_multipliers|_alpha_factor|_beta_factor|value_scale"
        r"|query_pre_attn_scalar|attn_temperature_tuning|floor_scale)"
    ),
    "for training": (
        r".*(aux|z)_loss.*|.*loss_(coef|alpha|weight|prob|eta).*|seq_aux|output_router_logits"
        r"|.*jitter.*|router_dtype|pretraining_tp|gradient_.*|problem_type|finetuning_task"
        r"|ignore_index"
    ),
    "how experts are chosen and placed": (
        r"n_group|topk_group|num_expert_groups?|topk_method|scoring_func|score_func.*|ep_size"
        r"|norm_topk_prob|moe_renormalize|use_grouped_topk|norm_(moe_)?topk.*|route_norm"
        r"|moe_router_(dtype|activation.*|topk.*)|router_activation_func|expert_capacity"
        r"|moe_capacity|moe_gate|moe_norm_min|moe_use_aux_free|use_grouped_mm|num_limited_groups"
        r"|route_scale|moe_gate_act"
    ),
    "a vector, less than 0.1 % of its matrix": r".*bias.*",
    "the precision of a step": r".*fp32.*|.*bf16.*|moe_router_dtype",
    "norms, which are vectors": (
        r"use_(qk_norm|gemma_norm|rmsnorm|rms_norm)|qk_norm_type|norm_type|.*_norm_type"
        r"|.*norm_(before|after)_.*|rms_?norm.*|use_(pre|post)_?norm|rescale_prenorm_residual"
        r"|apply_residual_connection_post_layernorm|query_key_norm|qk_layernorm"
    ),
    "how it is computed": (
        r"use_cache|use_mamba_kernels|use_mambapy|use_associative_scan|use_flash_attn|attn_impl.*"
        r"|.*_implementation|(mamba_)?chunk_size|time_step_.*|chunk_size_feed_forward|.*overlap.*"
        r"|use_unified_vision_chunk|torchscript|num_logits_to_keep|block_size|num_heads_per_\w+"
    ),
    "for generation or classification": (
        r"num_beams|num_beam_groups|num_return_sequences|max_(new_)?length|min_length|top_k|top_p"
        r"|(encoder_)?no_repeat_ngram_size|temperature|typical_p|.*_penalty|bad_words_ids"
        r"|.*suppress_tokens|do_sample|early_stopping|return_dict.*|output_(hidden|attent|scores).*"
        r"|forced_.*|remove_invalid_values|pruned_heads|id2label|label2id|num_labels|is_decoder"
        r"|tokenizer_class|prefix|task_specific_params|classifier_.*|language|summary_.*"
        r"|is_encoder_decoder|.*_placeholder|padding_side|use_return_dict"
    ),
    "names": (
        r"architectures|model_type|auto_map|transformers_version|torch_dtype|dtype|.*version"
        r"|license|.*_name|name|finetuned.*|unsloth.*|model_name.*"
    ),
    "how pictures become tokens": (
        r"(image|video|vision|audio)_(token|seq|soft|start|end|feature|aspect|grid).*|.*_seq_length"
        r"|.*soft_tokens.*|mm_tokens_per_image|image_size|spatial_merge_size|language_model_only"
        r"|use_bidirectional_attention|default_output_length|process_image_mode"
        r"|img_token_compression_config|multimodal_projector_bias|(min|max)_image_tokens|tile_size"
        r"|(min|max)_tiles|encoder_patch_size|projector_use_layernorm|do_image_splitting"
        r"|max_pixels_tolerance|use_image_special_tokens|use_thumbnail"
    ),
    "windows that are switched off, or that the model's layers do not use": (
        r"use_sliding_window|max_window_layers|sliding_window|sliding_window_size"
        r"|attention_chunk_size|cache_type"
    ),
    "how many tokens the index finds, and which layer's find is used": (
        r"index_(topk|topk_freq|topk_pattern|skip_topk_offset|share_for_mtp_iteration)"
    ),
    "token types: a vector each": r"type_vocab_size",
    "AltUp's choices; its matrices are read elsewhere": (
        r"altup_(active_idx|coef_clip|correct_scale)|activation_sparsity_pattern"
    ),
}
"""Keys that decide no memory: the reason, and a regular expression of the whole key."""

_HARMLESS: Final = re.compile("|".join(f"(?:{pattern})" for pattern in HARMLESS.values()))


def judge(fields: Fields, known: Mapping[str, str]) -> Iterator[Problem]:
    """A problem for each key that nobody read and that may decide memory.

    *known* has what is harmless in models of this type: key and reason.
    """
    for path, key, value in fields.unread():
        if key not in known and not _HARMLESS.fullmatch(key) and _may_decide_memory(key, value):
            yield Problem(
                path,
                f"{str(value)[:60]}, which pai size does not know",
                "keys whose part in the memory is known",
                "Size it by the engine's own start-up log; add the key to sizing/hf_config.py,"
                " or to sizing/hf_unread.py with the reason if it decides no memory.",
            )


def _may_decide_memory(key: str, value: object) -> bool:
    """Whether a key with this value is asked about; false, 0 and nothing switch a part off."""
    if not value:
        return False
    if isinstance(value, bool | float | str):
        return bool(_SAYS_SIZE.search(key))
    return True
