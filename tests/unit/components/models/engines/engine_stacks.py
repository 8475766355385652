"""Prod, with models of other engines beside its own."""

import copy
from typing import Any

import yaml

from config.reference import KEY
from tests.paths import ROOT

_PROD = yaml.safe_load((ROOT / "Pulumi.prod.yaml").read_text())["config"][KEY]
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def stack(**models: dict[str, Any]) -> dict[str, Any]:
    """Prod with *models* on GPUs of their own."""
    raw = copy.deepcopy(_PROD)
    raw["cluster"]["nodes"].append({"profile": "8xh200-141gb", "count": 2, "pool": "more"})
    raw["pools"]["more"] = {"gpu": "h200-141gb", "nodes": 2, "gpus_per_node": 8}
    for name, given in models.items():
        tokens = {} if given.get("engine") in {"speaches", "comfyui"} else {"context_tokens": 8192}
        raw["models"][name] = {"pool": "more", **tokens, **given}
    return raw
