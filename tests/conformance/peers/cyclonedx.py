"""CycloneDX's own JSON schema, as the project's library carries it."""

import json
from typing import Any

from tests.conformance.peers import wheel

_VERSION = "11.12.0"
_SHA256 = "0e807521a921a5c3cb8ce1153f8a61d29eedfe76a46aac2796b7c6b573391a54"


def schema(spec_version: str) -> dict[str, Any]:
    """The schema of *spec_version*, in one piece."""
    environment = wheel.installed("cyclonedx-python-lib", _VERSION, _SHA256)
    [folder] = environment.glob("lib/python*/site-packages/cyclonedx/schema/_res")
    others = {
        file.name: json.loads(file.read_text())
        for file in folder.glob("*.schema.json")
        if not file.name.startswith("bom-")
    }
    bom = (folder / f"bom-{spec_version}.SNAPSHOT.schema.json").read_text()
    return _inlined(json.loads(bom), others)


def _inlined(value: Any, others: dict[str, Any]) -> Any:
    """*value* with references to other files replaced by what they refer to."""
    if isinstance(value, list):
        return [_inlined(item, others) for item in value]
    if not isinstance(value, dict):
        return value
    file, _, pointer = str(value.get("$ref", "")).partition("#")
    if not file:
        return {key: _inlined(item, others) for key, item in value.items()}
    found = others[file]
    if pointer:  # signatures, of which there are none
        return {"not": {}}
    return {key: item for key, item in found.items() if key not in {"$schema", "$id"}}
