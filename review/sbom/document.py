"""CycloneDX 1.6 documents (https://cyclonedx.org/docs/1.6/json/), the same for the same content.

1.6, not 1.7: what reads such documents knows it, and nothing here needs more.
"""

import hashlib
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal
from urllib.parse import quote, urlencode

from catalog.licenses import UNKNOWN

SPEC_VERSION = "1.6"
_PROPERTY = "private-ai:"

Kind = Literal["application", "container", "file", "library", "machine-learning-model"]
Scope = Literal["required", "optional", "excluded"]


@dataclass(frozen=True)
class Item:
    """One component."""

    kind: Kind
    ref: str
    """Its `bom-ref`: the package URL where it has one."""
    name: str
    version: str = ""
    license: str = ""
    """SPDX expression, or the license's own words in quotes, or NOASSERTION; empty: none is due."""
    purl: str = ""
    sha256: Sequence[str] = ()
    """Of each file that may stand for it."""
    scope: Scope = "required"
    properties: Mapping[str, str] = field(default_factory=dict[str, str])
    parts: Sequence["Item"] = ()
    needs: Sequence[str] = ()
    """References of what it is made of."""

    def component(self) -> dict[str, Any]:
        """The entry of `components`."""
        entry: dict[str, Any] = {"type": self.kind, "bom-ref": self.ref, "name": self.name}
        if self.version:
            entry["version"] = self.version
        if self.kind != "file":
            entry["scope"] = self.scope
        if self.sha256:
            entry["hashes"] = [{"alg": "SHA-256", "content": digest} for digest in self.sha256]
        if self.license:
            entry["licenses"] = [_license(self.license)]
        if self.purl:
            entry["purl"] = self.purl
        if self.properties:
            entry["properties"] = [
                {"name": f"{_PROPERTY}{name}", "value": value}
                for name, value in sorted(self.properties.items())
            ]
        if self.parts:
            entry["components"] = [part.component() for part in self.parts]
        return entry


def document(subject: Item, items: Sequence[Item], *, epoch: str | None) -> str:
    """The document about *subject*, which is made of *items*, as JSON.

    *epoch* (SOURCE_DATE_EPOCH, seconds) is its time; without it there is none. The serial number
    follows from the content.
    """
    ordered = sorted(items, key=lambda item: (item.kind, item.ref))
    metadata: dict[str, Any] = {"component": _without_scope(subject.component())}
    if epoch:
        moment = datetime.fromtimestamp(int(epoch), UTC)
        metadata = {"timestamp": moment.isoformat().replace("+00:00", "Z"), **metadata}
    content = {
        "version": 1,
        "metadata": metadata,
        "components": [item.component() for item in ordered],
        "dependencies": [
            {"ref": item.ref, "dependsOn": sorted(set(item.needs))}
            for item in (subject, *ordered)
            if item.needs
        ],
    }
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    head = {
        "$schema": f"http://cyclonedx.org/schema/bom-{SPEC_VERSION}.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": SPEC_VERSION,
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, digest)}",
    }
    return json.dumps({**head, **content}, indent=2, ensure_ascii=False) + "\n"


def package_url(
    kind: str, name: str, version: str = "", qualifiers: Mapping[str, str] | None = None
) -> str:
    """A package URL (https://github.com/package-url/purl-spec); *name* with its namespace."""
    url = f"pkg:{kind}/{quote(name, safe='/')}"
    if version:
        url += f"@{quote(version, safe='')}"
    if qualifiers:
        url += f"?{urlencode(sorted(qualifiers.items()), quote_via=quote, safe='/')}"
    return url


def _license(license_: str) -> dict[str, Any]:
    if license_ == UNKNOWN or license_.startswith('"'):
        return {"license": {"name": license_.strip('"')}}
    return {"expression": license_}


def _without_scope(component: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in component.items() if key != "scope"}
