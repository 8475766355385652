"""What checks workflow files: actionlint, zizmor, and JSON schemas of SchemaStore and GitLab."""

import json
from pathlib import Path
from typing import Any

from tests.conformance.peers import go_program, wheel

_ACTIONLINT = "v1.7.12"
_WHEELS = {
    "zizmor": (
        "1.32.0",
        "84a6acb975accc13408786a2bd274b572537ca19c933ebbc13e78f3988562071",
    ),
    "check-jsonschema": (
        "0.39.0",
        "14ce5c94871c551268ea948ffe21e9f1464dc48fb20bf9a4c13deeaaf756cf9b",
    ),
}
"""Version and sha256 of the wheel; check-jsonschema is there for the schemas that it carries."""


def actionlint() -> str:
    """The path of the command."""
    package = "github.com/rhysd/actionlint/cmd/actionlint"
    return go_program.built("actionlint", package, _ACTIONLINT, "a minute")


def zizmor() -> str:
    """The path of the command."""
    return str(_installed("zizmor") / "bin" / "zizmor")


def schema(name: str) -> dict[str, Any]:
    """The JSON schema *name*: `github-workflows` of SchemaStore or `gitlab-ci` of GitLab."""
    [file] = _installed("check-jsonschema").glob(
        f"lib/python*/site-packages/check_jsonschema/builtin_schemas/vendor/{name}.json"
    )
    return json.loads(file.read_text())


def _installed(name: str) -> Path:
    return wheel.installed(name, *_WHEELS[name])
