"""Reading a stack's YAML into its model, with every problem at once."""

import copy
import difflib
import re
from typing import Any, get_args, get_origin

from pydantic import BaseModel, Tag, ValidationError
from pydantic_core import ErrorDetails

from base.problems import ConfigError, Problem
from config.checks.alert_webhook import webhook_url
from config.checks.hub_access import missing_token
from config.checks.stack import cross_checks
from config.stack import StackConfig

_MAX_VALUE = 60
"""Most characters of a wrong value that a message quotes."""
_KINDS = {
    "model_type": "a mapping of keys to values",
    "model_attributes_type": "a mapping of keys to values",
    "dict_type": "a mapping of names to values",
    "list_type": "a list",
    "string_type": "text, in quotes where YAML would read it as something else",
    "bool_type": "true or false, without quotes",
    "int_type": "a whole number, without quotes",
    "float_type": "a number, without quotes",
}
"""What pydantic calls valid dictionaries, strings and so on, by the type of its error."""
_NOTHING = "nothing"
"""What was got where a field is missing."""


def load(
    raw: object, stack: str, *, hub_token: bool = True, alert_webhook_url: bool | None = None
) -> StackConfig:
    """The configuration of *stack* from the mapping under `private-ai:stack`.

    *hub_token* is whether the stack has a hub token, *alert_webhook_url* whether it has the secret
    of that name; None where that is not known.

    Raises ConfigError with every problem: those of single fields, and those between the fields
    that remain without the wrong ones.
    """
    data = copy.deepcopy(raw)
    problems: list[Problem] = []
    config: StackConfig | None = None
    while config is None:
        try:
            config = StackConfig.model_validate(data, context={"stack": stack})
        except ValidationError as error:
            found = error.errors(include_url=False)
            known = [problem.path for problem in problems]
            problems += [
                problem
                for detail in found
                if not _follows(problem := _problem(detail, _as_written(data, detail)), known)
            ]
            if not all([_leave_out(data, detail) for detail in found]):  # noqa: C419 - try each
                break
    if config is not None:
        problems += [*cross_checks(config), *missing_token(config, given=hub_token)]
        if alert_webhook_url is not None:
            problems += webhook_url(config, given=alert_webhook_url)
    if problems or config is None:
        raise ConfigError(stack, list(dict.fromkeys(problems)))
    return config


def _follows(problem: Problem, known: list[str]) -> bool:
    """Whether *problem* is that a field is missing which was left out, or of a part of which."""
    missing = problem.got == _NOTHING and any(k.startswith(f"{problem.path}.") for k in known)
    return missing or problem.path in known


def _leave_out(data: object, detail: ErrorDetails) -> bool:
    """Delete the wrong field, so that the rest can be checked; return whether there was one."""
    holder: dict[Any, Any] | None = None
    last: int | str = ""
    node: Any = data
    for key in _as_written(data, detail):
        if isinstance(node, list):
            break  # it is left out whole: its items have no names
        if not isinstance(node, dict) or key not in node:
            return False
        holder, last, node = node, key, node[key]
    if holder is None:
        return False
    del holder[last]
    return True


def _as_written(data: object, detail: ErrorDetails) -> list[int | str]:
    """Path of the wrong field in *data*, without the tags of unions that pydantic adds."""
    node: Any = data
    path: list[int | str] = []
    *_, last = detail["loc"] or ("",)
    for part in detail["loc"]:
        key = _key(node, part)
        if key is not None:
            node = node[key]
            path.append(key)
        elif part == last and (detail["type"] == "missing" or _is_field(path, str(part))):
            path.append(part)  # not in the file: it is missing, or its default is wrong
    return path


def _key(node: object, part: int | str) -> Any:  # noqa: ANN401 - keys of YAML
    """The key of *node* that *part* of a location means; None where it has none.

    YAML has keys that are no text, such as `1` and `yes`; pydantic names them by their text.
    """
    if isinstance(node, list):
        return part if isinstance(part, int) and part < len(node) else None
    if not isinstance(node, dict):
        return None
    return part if part in node else next((k for k in node if str(k) == str(part)), None)


def _is_field(parents: list[int | str], name: str) -> bool:
    model = _model_at(parents)
    return model is not None and name in model.model_fields


def _problem(detail: ErrorDetails, written: list[int | str]) -> Problem:
    path = ".".join(_path_part(part) for part in written) or "stack"
    if detail["type"] == "extra_forbidden":
        return _unknown_key(path, detail)
    if detail["type"] == "missing":
        return Problem(path, _NOTHING, _describe(detail), f"Add {path}.")
    if detail["type"] in ("union_tag_invalid", "union_tag_not_found"):
        return _unknown_kind(path, detail)
    allowed = _KINDS.get(detail["type"], detail["msg"].removeprefix("Value error, "))
    context = detail.get("ctx", {})
    got = "other text" if context.get("secret") else _quote(detail["input"])
    change = context.get("change") or f"Correct {path}."
    return Problem(path, got, allowed[0].lower() + allowed[1:], change)


def _unknown_kind(path: str, detail: ErrorDetails) -> Problem:
    """The key that says which of several kinds of settings these are is missing, or wrong."""
    context = detail.get("ctx", {})
    key = str(context["discriminator"]).strip("'")
    if detail["type"] == "union_tag_not_found":
        allowed = f"the key {key}, which says what the other keys are"
        return Problem(f"{path}.{key}", _NOTHING, allowed, f"Add {path}.{key}.")
    kinds = str(context["expected_tags"]).replace("'", "")
    return Problem(f"{path}.{key}", _quote(context["tag"]), kinds, f"Correct {path}.{key}.")


def _path_part(part: object) -> str:
    """*part* of a path, which may be any key that someone wrote: on one line, and not too long."""
    text = str(part)
    return text if text.isprintable() and len(text) <= _MAX_VALUE else _quote(text)


def _unknown_key(path: str, detail: ErrorDetails) -> Problem:
    *parents, key = detail["loc"]
    model = _model_at(parents)
    known = sorted(model.model_fields) if model else []
    near = difflib.get_close_matches(str(key), known, n=1)
    rename = f"Rename it to {near[0]}." if near else "Remove it."
    return Problem(path, f"the unknown key {key!r}", ", ".join(known), rename)


def _describe(detail: ErrorDetails) -> str:
    *parents, key = detail["loc"]
    model = _model_at(parents)
    field = model.model_fields.get(str(key)) if model else None
    return (field and field.description) or "a value"


def _model_at(parts: list[int | str]) -> type[BaseModel] | None:
    """The model of the mapping at the path *parts*."""
    model: Any = StackConfig
    for part in parts:
        if isinstance(model, type) and issubclass(model, BaseModel):
            field = model.model_fields.get(str(part))
            model = field.annotation if field else None
        elif member := _tagged(model, part):
            model = member
        else:  # a list or a dict: its items are of the last type argument
            arguments = [a for a in get_args(model) if a is not type(None)]
            model = arguments[-1] if arguments else None
        if model is None:
            return None
    return next(iter(_members(model)), None)


def _members(annotation: object) -> list[type[BaseModel]]:
    """The models of *annotation*: itself, or those of a union, the first the most general."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    if get_origin(annotation) in (dict, list):
        return []
    return [member for inner in get_args(annotation) for member in _members(inner)]


def _tagged(union: object, tag: int | str) -> type[BaseModel] | None:
    """The member of a discriminated union that *tag* names."""
    if get_origin(union) in (dict, list):
        return None
    for inner in get_args(union):
        if Tag(str(tag)) in getattr(inner, "__metadata__", ()):
            return next(iter(_members(inner)), None)
        if get_origin(inner) is not None and (found := _tagged(inner, tag)):
            return found
    return next(
        (
            member
            for member in _members(union)
            if any(tag in get_args(field.annotation) for field in member.model_fields.values())
        ),
        None,
    )


def _quote(value: object) -> str:
    """The start of *value*, without user, password and query of the URLs in it."""
    try:
        written = repr(value)
    except ValueError:  # an integer in hexadecimal digits may be too long for decimal ones
        written = "a number of thousands of digits"
    except RecursionError:
        written = "values nested too deep to quote"
    text = re.sub(r"://.*@", "://…@", written, flags=re.DOTALL)
    text = re.sub(r"(://[^\s?]*\?)[^\s'\"]*", r"\1…", text)
    return text if len(text) <= _MAX_VALUE else f"{text[:_MAX_VALUE]}…"
