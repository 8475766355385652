"""Create the collections of `collections.json` in Qdrant; existing ones stay unchanged.

Runs in a Job, with the standard library only. Usage: qdrant_collections.py URL CONFIG_DIR
KEY_FILE CA_FILE. Exits 1 if Qdrant rejects a collection.
"""

import json
import ssl
import sys
import urllib.error
import urllib.request
from pathlib import Path

CONFLICT = 409  # the answer to a PUT of an existing collection


def create(url: str, name: str, parameters: object, key: str, trust: ssl.SSLContext) -> str:
    """PUT one collection; returns `created` or `exists`."""
    request = urllib.request.Request(  # noqa: S310 - the scheme is https, see main
        f"{url}/collections/{name}",
        data=json.dumps(parameters).encode(),
        headers={"api-key": key, "content-type": "application/json"},
        method="PUT",
    )
    try:
        with urllib.request.urlopen(request, context=trust, timeout=60):  # noqa: S310
            return "created"
    except urllib.error.HTTPError as error:
        if error.code == CONFLICT:
            return "exists"
        message = f"collection {name}: {error.code} {error.read().decode(errors='replace')}"
        raise SystemExit(message) from None


def main(url: str, config: str, key_file: str, ca_file: str) -> None:
    """Create every collection and print one line for each."""
    key = Path(key_file).read_text().strip()
    trust = ssl.create_default_context(cafile=ca_file)
    collections = json.loads((Path(config) / "collections.json").read_text())
    for name, parameters in collections.items():
        print(f"{name}: {create(url, name, parameters, key, trust)}")


if __name__ == "__main__":
    main(*sys.argv[1:5])
