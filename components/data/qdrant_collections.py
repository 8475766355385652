"""Create the collections of `collections.json` in Qdrant; one that exists is left as it is.

Runs in a Job, with nothing but the standard library. Usage: qdrant_collections.py URL CONFIG_DIR
KEY_FILE CA_FILE. Exits 1 when Qdrant refuses a collection.
"""

import json
import ssl
import sys
import urllib.error
import urllib.request
from pathlib import Path

CONFLICT = 409  # Qdrant's answer to a PUT of a collection that exists


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
    """Create every collection, one line of output each."""
    key = Path(key_file).read_text().strip()
    trust = ssl.create_default_context(cafile=ca_file)
    collections = json.loads((Path(config) / "collections.json").read_text())
    for name, parameters in collections.items():
        print(f"{name}: {create(url, name, parameters, key, trust)}")


if __name__ == "__main__":
    main(*sys.argv[1:5])
