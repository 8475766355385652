"""What the code of a model type has and its config.json does not say.

From the modeling and configuration files of transformers 5.24 (`modeling_<type>.py`), and of the
models' own repositories where transformers has none. A type that is not here is refused: its code
may have parts that no key tells of.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from catalog.architecture import Bias


class Code(NamedTuple):
    """A model type's code."""

    bias: Bias | None = None
    """Projections with a bias; None: config.json says (`attention_bias`)."""
    biased: Bias = "attention"
    """Projections that `attention_bias` means."""
    gated_mlp: bool = True
    qk_norm: bool = False
    gated_attention: bool = False
    layer_norms: int = 2
    tied: bool = False
    """Whether input and output embeddings are one, where the file does not say."""
    positions: bool = False
    """Whether positions are learned."""
    head_dim: int = 0
    """Width of a head where the file does not say; 0: hidden_size / num_attention_heads."""
    own_head_dim: bool = True
    """Whether the code reads head_dim, or always takes hidden_size / num_attention_heads."""
    pattern: str = ""
    """The kinds of the layers (`catalog.architecture.LayerKind`) where the file does not say; `?`:
    the file must."""
    mtp_known: bool = False
    """Whether it is known what its layers for multi-token prediction consist of."""
    mtp_layers: int = 0
    """Layers for multi-token prediction that the checkpoint has and the file does not tell of."""
    mtp_own_embeddings: bool = False
    """Whether each of those has its own embeddings and output head."""
    mtp_dense: bool = False
    """Whether those have an MLP although the model has experts."""
    required: tuple[tuple[str, ...], ...] = (("num_key_value_heads",),)
    """Keys, with their spellings, whose defaults in the code are not what their absence suggests:
    a file that lacks them is refused. Null counts as stated."""
    defaults: Mapping[str, object] = {}
    """Values that files leave out where they are the class's own."""
    harmless: Mapping[str, str] = {}
    """Keys that decide no memory in this type, and why."""


_KV: Final = (("num_key_value_heads",),)
_MOE: Final = (("moe_intermediate_size",),)
_DENSE_FIRST: Final = (("first_k_dense_replace", "mlp_layer_types", "moe_layer_freq"),)
_SHARED: Final = (("n_shared_experts", "num_shared_experts", "num_shared_expert"),)
_SHARED_WIDTH: Final = (("shared_expert_intermediate_size",),)
_MLA: Final = (("q_lora_rank",), *_MOE, *_DENSE_FIRST, *_SHARED)
_INDEXED: Final = (("index_topk",), *_MLA)

_INNER: Final = {"mamba_expand": "inner width: mamba_n_heads x mamba_d_head"}
_LFM2: Final = Code(
    qk_norm=True,
    tied=True,
    pattern="?",
    required=(*_KV, ("block_auto_adjust_ff_dim",)),
    harmless=dict.fromkeys(
        (
            *("block_dim", "conv_dim", "conv_dim_out"),  # hidden_size
            *("num_heads", "block_use_swiglu", "block_use_xavier_init", "conv_use_xavier_init"),
        ),
        "the same as another key, or always so in this type",
    ),
)

_LLAMA: Final = Code(required=())
_MISTRAL: Final = Code()
_TIED: Final = Code(tied=True)
_QWEN2: Final = Code(bias="qkv", own_head_dim=False)
_QWEN3: Final = Code(qk_norm=True, head_dim=128)
_QWEN3_MOE: Final = Code(qk_norm=True, required=(*_KV, *_MOE))
_QWEN3_HYBRID: Final = Code(
    mtp_known=True,
    pattern="LLLF",
    qk_norm=True,
    gated_attention=True,
    head_dim=256,
    harmless={"attn_output_gate": "always so in this type", "output_gate_type": "a function"},
)
_GEMMA: Final = Code(tied=True, head_dim=256)
_GEMMA2: Final = Code(tied=True, head_dim=256, layer_norms=4, pattern="SF")
_GEMMA3: Final = Code(
    tied=True,
    head_dim=256,
    layer_norms=4,
    qk_norm=True,
    # Gemma3TextConfig: config.json files of multimodal models omit values equal to the class's.
    defaults={
        "vocab_size": 262208,
        "num_attention_heads": 8,
        "num_key_value_heads": 4,
        "head_dim": 256,
        "max_position_embeddings": 131072,
        "sliding_window": 4096,
        "sliding_window_pattern": 6,
    },
)
_GEMMA4: Final = Code(
    tied=True,
    head_dim=256,
    layer_norms=7,
    qk_norm=True,
    pattern="?",
    defaults={"global_head_dim": 512},
    required=(*_KV, ("num_kv_shared_layers",), ("hidden_size_per_layer_input",)),
)
_SMALL: Final = (("hidden_size_per_layer_input",), ("vocab_size_per_layer_input",))
_DEEPSEEK: Final = Code(mtp_known=True, mtp_own_embeddings=True, required=_MLA)
_GLM_MOE: Final = Code(
    mtp_known=True,
    biased="qkv",
    mtp_own_embeddings=True,
    required=(*_KV, *_MOE, *_DENSE_FIRST, *_SHARED),
)
_GLM: Final = Code(biased="qkv", head_dim=128)
_BERT: Final = Code(bias="all", gated_mlp=False, positions=True, tied=True, required=())
_ROTARY_BERT: Final = Code(tied=True, required=())
_HUNYUAN: Final = Code(
    qk_norm=True,
    required=(),
    harmless={"use_mixed_mlp_moe": "num_shared_expert has the MLP beside the experts"},
)
_PLAIN_MLP: Final = "the width of its one kind of MLP is intermediate_size"

TYPES: Final[Mapping[str, Code]] = {
    # Llama and those with its very layers.
    "llama": _LLAMA,
    "mistral": _MISTRAL._replace(required=(*_KV, ("sliding_window",))),
    "ministral": _MISTRAL,
    "ministral3": Code(head_dim=128),
    "mixtral": _MISTRAL,
    "internlm3": Code(head_dim=128),
    "granite": _LLAMA,
    "granitemoe": _LLAMA,
    "granitemoeshared": _LLAMA,
    "granitemoehybrid": Code(
        required=(("shared_intermediate_size",),),
        pattern="?",
        harmless=_INNER,
    ),
    "phi3": _LLAMA._replace(
        harmless=dict.fromkeys(("full_attn_mod", "interpolate_factor"), "its code reads neither")
    ),
    "smollm3": _TIED,
    "seed_oss": Code(biased="qkv", head_dim=128),
    "ernie4_5": Code(tied=True, head_dim=128),
    "ernie4_5_moe": Code(
        tied=True,
        mtp_known=True,
        mtp_dense=True,
        required=(*_KV, *_MOE, ("moe_num_shared_experts",), ("moe_layer_start_index",)),
    ),
    "olmo": _LLAMA,
    "olmo2": Code(qk_norm=True, required=()),
    "olmo3": Code(qk_norm=True, required=(), pattern="SSSF"),
    "olmoe": Code(qk_norm=True, required=()),
    "exaone4": Code(qk_norm=True, pattern="SSSF"),
    "apertus": Code(gated_mlp=False, qk_norm=True),
    "arcee": Code(gated_mlp=False),
    "nemotron": Code(gated_mlp=False),
    "hyperclovax": _LLAMA,
    "iquestcoder": _MISTRAL,
    "flex_olmo": Code(qk_norm=True, required=()),
    "phimoe": _MISTRAL,
    "cwm": Code(pattern="?", head_dim=128),
    "mellum": Code(qk_norm=True, head_dim=128, pattern="?", required=(*_KV, *_MOE)),
    "granite_swa": Code(pattern="?", tied=True),
    "granitemoe_swa": Code(pattern="?"),
    "solar_open": Code(required=(*_KV, *_MOE, *_SHARED)),
    "sarvam_moe": Code(required=(*_KV, ("head_dim",), *_MOE, *_SHARED, *_DENSE_FIRST)),
    "sarvam_mla": Code(required=_MLA),
    "youtu": Code(tied=True, required=(("q_lora_rank",),)),
    "mistral4": Code(required=_MLA),
    "cohere": Code(tied=True, layer_norms=1, required=()),
    "cohere2": Code(tied=True, layer_norms=1, pattern="SSSF"),
    "starcoder2": Code(bias="all", gated_mlp=False, tied=True),
    "gpt2": Code(bias="all", gated_mlp=False, positions=True, tied=True, required=()),
    "gpt_bigcode": Code(bias="all", gated_mlp=False, positions=True, tied=True, required=()),
    # Qwen.
    "qwen2": _QWEN2,
    "qwen2_moe": _QWEN2._replace(required=(*_KV, *_MOE, *_SHARED_WIDTH)),
    "qwen2_vl": _QWEN2,
    "qwen2_vl_text": _QWEN2,
    "qwen2_5_vl": _QWEN2,
    "qwen2_5_vl_text": _QWEN2,
    "qwen3": _QWEN3,
    "qwen3_moe": _QWEN3_MOE,
    "qwen3_vl_text": _QWEN3,
    "qwen3_vl_moe_text": _QWEN3_MOE,
    "qwen3_next": _QWEN3_HYBRID._replace(mtp_layers=1, required=(*_KV, *_MOE, *_SHARED_WIDTH)),
    "qwen3_5_text": _QWEN3_HYBRID,
    "qwen3_5_moe_text": _QWEN3_HYBRID._replace(required=(*_KV, *_MOE, *_SHARED_WIDTH)),
    "mimo": _QWEN2._replace(mtp_known=True),
    # Gemma.
    "gemma": _GEMMA,
    "gemma2": _GEMMA2,
    "gemma3_text": _GEMMA3,
    "gemma3n_text": _GEMMA3._replace(
        layer_norms=5,
        pattern="SSSSF",
        defaults={},
        required=(
            *_KV,
            ("num_kv_shared_layers",),
            *_SMALL,
            ("altup_num_inputs",),
            ("laurel_rank",),
        ),
    ),
    "gemma4_text": _GEMMA4,
    # Mixtures of experts.
    "deepseek_v2": _DEEPSEEK,
    "deepseek_v3": _DEEPSEEK,
    "deepseek_v32": _DEEPSEEK._replace(required=_INDEXED),
    "kimi_k2": _DEEPSEEK,
    "kimi_linear": _DEEPSEEK._replace(
        pattern="?", required=(("q_lora_rank", "kv_lora_rank"), *_MOE, *_DENSE_FIRST, *_SHARED)
    ),
    "glm": _GLM,
    "glm4": _GLM._replace(layer_norms=4),
    "glm4_moe": _GLM_MOE,
    "glm4_moe_lite": _GLM_MOE._replace(required=_MLA),
    "glm_moe_dsa": _GLM_MOE._replace(mtp_own_embeddings=False, required=_INDEXED),
    "gpt_oss": Code(bias="all", head_dim=64, pattern="SF"),
    "llama4_text": Code(
        pattern="SSSF", head_dim=128, harmless={"for_llm_compressor": "a switch of a tool"}
    ),
    "minimax": Code(pattern="FL"),
    "minimax_m2": Code(
        qk_norm=True,
        head_dim=128,
        harmless=dict.fromkeys(
            ("num_mtp_modules", "mtp_transformer_layers", "use_mtp"),
            "the published checkpoints have no such layers",
        ),
    ),
    "mimo_v2_flash": Code(head_dim=192, pattern="?"),
    "dots1": Code(qk_norm=True, required=(*_KV, *_MOE, *_DENSE_FIRST, *_SHARED)),
    "bailing_moe_v2": Code(qk_norm=True, required=(*_KV, *_MOE, *_DENSE_FIRST, *_SHARED)),
    "hunyuan_v1_dense": _HUNYUAN,
    "hunyuan_v1_moe": _HUNYUAN._replace(required=_SHARED),
    # Hybrids.
    "nemotron_h": Code(
        mtp_known=True,
        required=_KV,
        pattern="?",
        gated_mlp=False,
        layer_norms=1,
        head_dim=128,
        harmless={"expand": "inner width: mamba_num_heads x mamba_head_dim"},
    ),
    "bamba": Code(pattern="?", harmless=_INNER),
    "falcon_h1": Code(pattern="H", harmless={**_INNER, "mamba_use_mlp": "always so in this type"}),
    "jamba": Code(pattern="?"),
    "lfm2": _LFM2,
    "lfm2_moe": _LFM2._replace(required=(*_KV, *_MOE, ("num_dense_layers",))),
    # Encoders.
    "bert": _BERT,
    "roberta": _BERT,
    "xlm-roberta": _BERT,
    "camembert": _BERT,
    "nomic_bert": _ROTARY_BERT,
    "modernbert": _ROTARY_BERT,
}
"""The types that are known, of the text model where there are several."""

CLASSES: Final[Mapping[str, str]] = {
    "DeepseekV3ForCausalLM": "deepseek_v3",
    "LlamaForCausalLM": "llama",
    "MistralForCausalLM": "mistral",
    "Qwen2ForCausalLM": "qwen2",
    "Qwen3ForCausalLM": "qwen3",
    "Qwen3MoeForCausalLM": "qwen3_moe",
}
"""Classes whose code is a type's; some files name a type of their own beside one."""

ENCODERS: Final = frozenset({"bert", "roberta", "xlm-roberta", "camembert"}) | {
    "nomic_bert",
    "modernbert",
}
"""Types without a cache: every token sees every other."""
