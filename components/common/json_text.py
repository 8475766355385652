"""JSON of configuration files, and of arguments.

Files are for people who compare them line by line, without the weight of indentation: a file is
three times in the state. Programs that read YAML read them as they are.
"""

import json
from typing import Any

_WIDTH = 240
_COMPACT = (",", ":")


def json_text(value: Any, indent: str = "") -> str:  # noqa: ANN401 - anything that is JSON
    """*value* as JSON: what fits into a line of 240 characters on one, else an item per line."""
    line = json.dumps(value, separators=_COMPACT)
    if len(indent) + len(line) <= _WIDTH:
        return line
    inner = f"{indent} "
    if isinstance(value, dict):
        items = [f"{json.dumps(str(key))}:{json_text(v, inner)}" for key, v in value.items()]
        return f",\n{inner}".join([f"{{\n{inner}{items[0]}", *items[1:]]) + f"\n{indent}}}"
    if isinstance(value, list):
        items = [json_text(item, inner) for item in value]
        return f",\n{inner}".join([f"[\n{inner}{items[0]}", *items[1:]]) + f"\n{indent}]"
    return line


def secret_json(value: Any) -> str:  # noqa: ANN401 - anything that is JSON
    """*value* on one line: a Secret, which nobody compares, has its content in the state thrice."""
    return json.dumps(value, separators=_COMPACT)


def json_argument(value: Any) -> str:  # noqa: ANN401 - anything that is JSON
    """*value* as JSON in one argument of a container: compact, the same for the same value.

    Kubernetes expands `$(NAME)` in arguments and makes one `$` of two, so there is none in it.
    https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/#Container
    """
    text = json.dumps(value, separators=(",", ":"), sort_keys=True)
    return text.replace("$", "\\u0024")  # a `$` of JSON is always within a string
