"""Writing digests into catalog/images.yaml: all or none; comments and order are kept."""

import io
from collections.abc import Mapping
from pathlib import Path

from ruamel.yaml import YAML

from base.replace import replace_text


def _yaml() -> YAML:
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 1_000_000  # never fold a source into two lines
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml


def write_digests(path: Path, digests: Mapping[str, str]) -> None:
    """Set `digest` of each entry of `path` named in `digests`.

    The file is replaced in one step, so a reader sees the old one or the new one. Raises OSError,
    and then leaves the file unchanged.
    """
    yaml = _yaml()
    document = yaml.load(path.read_text(encoding="utf-8"))
    for key, digest in digests.items():
        document[key]["digest"] = digest
    text = io.StringIO()
    yaml.dump(document, text)
    replace_text(path, text.getvalue())
