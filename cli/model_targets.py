"""The sets of weights that a stack's file names, whether or not it is complete."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from pydantic import TypeAdapter, ValidationError

from base.problems import Problem
from base.yaml_text import YamlTextError, read_mapping
from catalog.models import Checkpoint
from cli.errors import UsageError
from cli.model_commits import Wanted
from cli.size_words import catalog_model
from cli.stack_file import stack_file
from config.reference import KEY
from config.settings.model_store import ModelStoreSettings
from config.settings.models import ModelSettings
from config.settings.vllm import COMMIT
from weights.files import FileSelection

_ANY_COMMIT = "0" * 40


@dataclass(frozen=True)
class Target:
    """A set of weights of a stack, or of the catalog alone."""

    name: str
    path: tuple[str, ...]
    """Of its mapping in the file; empty outside of a stack."""
    words: frozenset[str]
    """Other names by which people mean it, in lower case."""
    checkpoint: Checkpoint
    named: str
    """The revision that the file names; empty without."""
    sha256: Mapping[str, str]

    @property
    def pinned(self) -> bool:
        """Whether the file or the catalog names a commit."""
        return bool(COMMIT.match(self.named or self.checkpoint.revision))

    def wanted(self, revision: str) -> Wanted:
        """What is asked of the origin."""
        known = self.named or self.checkpoint.revision
        selection = FileSelection([*self.sha256]) if self.sha256 else self.checkpoint.selection()
        return Wanted(
            self.checkpoint.repository, revision, known if COMMIT.match(known) else "", selection
        )


@dataclass(frozen=True)
class Stack:
    """What of a stack's file decides its weights."""

    file: Path
    store: ModelStoreSettings
    targets: Sequence[Target]


def read_stack_weights(stack: str, config_file: Path | None) -> Stack:
    """The weights that the file of *stack*, or *config_file*, names. Raises UsageError."""
    file = config_file or stack_file(stack)
    try:
        raw = read_mapping(file)
    except YamlTextError as error:
        raise UsageError(error.problem) from None
    settings = (raw.get("config") or {}).get(KEY) if isinstance(raw.get("config"), dict) else None
    entries = settings.get("models") if isinstance(settings, dict) else None
    if not isinstance(settings, dict) or not isinstance(entries, dict):
        allowed = f"a stack with config.{KEY}.models"
        _refuse(file.name, "no models", allowed, "add the models that it serves")
    try:
        store = ModelStoreSettings.model_validate(settings.get("model_store"))
        targets = [
            target for name, entry in entries.items() for target in _targets(str(name), entry)
        ]
    except ValidationError as error:
        detail = error.errors(include_url=False)[0]
        where = ".".join(map(str, detail["loc"]))
        _refuse(
            f"{file.name}: {error.title}",
            f"a wrong value at {where}" if where else "a wrong value",
            detail["msg"].removeprefix("Value error, "),
            f"run `pai config check --stack {stack or 'STACK'}`, which names it, and correct it",
        )
    return Stack(file, store, targets)


def _targets(name: str, entry: Any) -> list[Target]:  # noqa: ANN401 - YAML
    """The weights of the model *name*, its draft and its adapters. Raises ValidationError."""
    fields = entry if isinstance(entry, dict) else {}
    decisive = {key: fields[key] for key in ("model", "dtype", "repository") if key in fields}
    model = TypeAdapter(ModelSettings).validate_python(
        {**decisive, "revision": _ANY_COMMIT, "pool": "any"}
    )
    published = model.spec.checkpoints[model.served_dtype]
    ours = model.repository is None or model.repository == published.repository
    checkpoint = model.checkpoint.model_copy(
        update={"revision": published.revision if ours else ""}
    )
    words = frozenset({model.spec.key, str(decisive["model"]).lower()})
    path = ("models", name)
    found = [_target(name, path, fields, words, checkpoint)]
    for extra, where, value in _extras(fields):
        if isinstance(value, dict) and isinstance(value.get("repository"), str):
            files = Checkpoint(repository=value["repository"])
            found.append(_target(f"{name} {extra}", (*path, *where), value, frozenset(), files))
    return found


def _target(
    name: str,
    path: tuple[str, ...],
    fields: Mapping[str, Any],
    words: frozenset[str],
    checkpoint: Checkpoint,
) -> Target:
    sha256 = fields.get("sha256")
    digests = {str(k): str(v) for k, v in sha256.items()} if isinstance(sha256, dict) else {}
    named = str(fields.get("revision") or "")
    return Target(name, path, words | {checkpoint.repository.lower()}, checkpoint, named, digests)


def _extras(fields: Mapping[str, Any]) -> list[tuple[str, tuple[str, ...], Any]]:
    """Name, path and settings of a model's draft and adapters."""
    vllm = fields.get("vllm")
    if not isinstance(vllm, dict):
        return []
    speculation, adapters = vllm.get("speculation"), vllm.get("adapters")
    draft = speculation.get("draft") if isinstance(speculation, dict) else None
    found: list[tuple[str, tuple[str, ...], Any]] = []
    if draft is not None:
        found.append(("draft", ("vllm", "speculation", "draft"), draft))
    if isinstance(adapters, dict):
        found += [(f"adapter-{k}", ("vllm", "adapters", str(k)), v) for k, v in adapters.items()]
    return found


def chosen(stack: Stack | None, names: Sequence[str], *, unpinned: bool) -> list[Target]:
    """The targets of the command line. Raises UsageError."""
    if unpinned and (names or stack is None):
        got = "with names of models" if names else "without --stack"
        _refuse("--all", got, "a stack and no names", "pass --stack, and names or --all")
    if stack is not None and unpinned:
        return [target for target in stack.targets if not target.pinned]
    if not names:
        _refuse("MODEL", "nothing", "models, or --all with --stack", "name at least one")
    found: dict[str, Target] = {}
    problems: list[Problem] = []
    for name in names:
        meant = _meant(stack, name)
        found |= {target.name: target for target in meant}
        if not meant:
            problems.append(_unknown(stack, name))
    if problems:
        raise UsageError(*problems)
    return list(found.values())


def _meant(stack: Stack | None, name: str) -> list[Target]:
    """The targets that *name* means: a name of the stack, or all with those weights."""
    if stack is None:
        known = catalog_model(name)
        if known:
            spec, dtype = known
            checkpoint = spec.checkpoints[dtype or spec.serve_dtype]
            return [Target(name, (), frozenset(), checkpoint, "", {})]
        if re.fullmatch(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", name):
            return [Target(name, (), frozenset(), Checkpoint(repository=name), "", {})]
        return []
    exact = [target for target in stack.targets if target.name == name]
    return exact or [target for target in stack.targets if name.lower() in target.words]


def _unknown(stack: Stack | None, name: str) -> Problem:
    if stack is None:
        allowed = "a key of the catalog, or ORGANIZATION/NAME"
        return Problem("MODEL", name, allowed, "see `pai models list`")
    served = ", ".join(f"{t.name} ({t.checkpoint.repository})" for t in stack.targets)
    change = "name one of these, or leave --stack out: the lines are then printed"
    return Problem("MODEL", name, f"a model of {stack.file.name}: {served}", change)


def repositories(targets: Sequence[Target]) -> list[str]:
    """Their repositories, each once."""
    return list(dict.fromkeys(target.checkpoint.repository for target in targets))


def _refuse(path: str, got: str, allowed: str, change: str) -> NoReturn:
    raise UsageError(Problem(path, got, allowed, change)) from None
