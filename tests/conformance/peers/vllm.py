"""vLLM's own source, out of its wheel: the truth about flags, metrics and environment.

Its parser cannot be imported without a GPU's worth of packages, so the source is read instead:
the dataclasses and `add_argument` calls of `vllm serve` become an argparse parser that accepts and
refuses what vLLM's does.
"""

import ast
import json
import re
import sys
import zipfile
from collections.abc import Mapping, Sequence
from functools import cache as once
from functools import cached_property
from pathlib import Path
from typing import Any

from tests.conformance.peers import cache, vllm_arguments, vllm_metrics
from tests.conformance.peers.errors import RefusedError
from tests.conformance.peers.python_source import Package, literals
from tests.conformance.peers.vllm_arguments import Argument
from tests.conformance.peers.vllm_metrics import Metric

VERSION = "0.33.0"
_SHA256 = "4b6bdec4ab269990bf70d45a3c1e94c3760a27064513760193b26d6f0da883aa"
_PLATFORM = "manylinux_2_28_x86_64"
"""Any platform's wheel holds the same Python; naming one lets every machine take the same file."""

_SERIES = re.compile(r"vllm:[a-zA-Z0-9_:]+")
_BUCKET = re.compile(r"(vllm:\w+)_bucket\{[^}]*?\ble=~?\"([^\"]+)\"")


class VllmSource:
    """The source of vLLM in *folder*."""

    def __init__(self, folder: Path) -> None:
        self._package = Package(folder)

    @cached_property
    def _arguments(self) -> list[Argument]:
        return vllm_arguments.declared(self._package)

    def arguments(self) -> dict[str, Argument]:
        """Every option of `vllm serve`, by each of its spellings."""
        return {
            spelling: argument
            for argument in self._arguments
            for spelling in (*argument.flags, *argument.negations)
        }

    def parse(self, argv: Sequence[str], config: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Values by option (with underscores) of `vllm serve *argv*`.

        *config* is the content of the file that `--config` names in *argv*, read as vLLM reads it:
        its items come before the rest, which override them. Raises RefusedError with what argparse
        says, for an abbreviation as well; vLLM would accept that, until a newer option makes it
        ambiguous.
        """
        words = list(argv)
        if any(word.startswith("--config=") for word in words):
            said = "vLLM ignores --config=FILE: give --config and FILE separately"
            raise RefusedError(said)
        if config is not None:
            at = words.index("--config")
            words = [*words[:1], *self._flattened(config), *words[1:at], *words[at + 2 :]]
        parser = vllm_arguments.Parser(prog="vllm serve", add_help=False, allow_abbrev=False)
        parser.add_argument("model_tag", nargs="?")
        for argument in self._arguments:
            vllm_arguments.add(parser, argument)
        parsed = {
            key: value
            for key, value in vars(parser.parse_args(vllm_arguments.undotted(words))).items()
            if value is not None
        }
        self._check_parsers(parsed)
        return parsed

    def _flattened(self, config: Mapping[str, Any]) -> list[str]:
        """As FlexibleArgumentParser.load_config_file does."""
        known = self.arguments()
        words: list[str] = []
        for key, value in config.items():
            if value is False:
                words += [f"--no-{key}"] if f"--no-{key}" in known else []
            elif value is True:
                words.append(f"--{key}")
            elif isinstance(value, list):
                words += [f"--{key}", *map(str, value)] if value else []
            else:
                words += [f"--{key}", json.dumps(value) if isinstance(value, dict) else str(value)]
        return words

    def _check_parsers(self, parsed: Mapping[str, Any]) -> None:
        """As vLLM's validate_api_server_args and validate_parsed_serve_args do."""
        for option, allowed in (
            ("reasoning_parser", self.reasoning_parsers()),
            ("tool_call_parser", self.tool_parsers()),
        ):
            if (name := parsed.get(option)) and name not in allowed:
                said = f"--{option.replace('_', '-')} {name}: one of {sorted(allowed)}"
                raise RefusedError(said)
        if parsed.get("enable_auto_tool_choice") and not parsed.get("tool_call_parser"):
            said = "--enable-auto-tool-choice requires --tool-call-parser"
            raise RefusedError(said)

    def reasoning_parsers(self) -> frozenset[str]:
        """The names that `--reasoning-parser` accepts."""
        module = self._package.module("vllm.reasoning")
        return _keys(module.assigned["_REASONING_PARSERS_TO_REGISTER"])

    def tool_parsers(self) -> frozenset[str]:
        """The names that `--tool-call-parser` accepts."""
        module = self._package.module("vllm.tool_parsers")
        return _keys(module.assigned["_TOOL_PARSERS_TO_REGISTER"])

    def fields(self, module: str, owner: str) -> frozenset[str]:
        """The fields of the dataclass *owner* of *module*."""
        return frozenset(self._package.module(module).fields(owner))

    def choices(self, module: str, owner: str, field: str) -> frozenset[str]:
        """The values that *field* of the dataclass *owner* of *module* may have."""
        declared, annotation = self._package.module(module).field(owner, field)
        return frozenset(literals(annotation, declared))

    def literal(self, module: str, name: str) -> frozenset[str]:
        """The values of the alias *name* of *module*, a Literal."""
        found = self._package.module(module)
        return frozenset(literals(found.assigned[name], found))

    def environment(self) -> frozenset[str]:
        """The environment variables that vLLM itself reads."""
        return _keys(self._package.module("vllm.envs").assigned["environment_variables"])

    def mentions(self, name: str) -> bool:
        """Whether *name* stands anywhere in its source, as a variable of its libraries may."""
        return any(self._package.containing(name))

    @cached_property
    def _metrics(self) -> dict[str, Metric]:
        families = vllm_metrics.bucket_families(self._package)
        found: dict[str, Metric] = {}
        for module in self._package.containing("vllm:"):
            for metric in vllm_metrics.of_module(module, families):
                known = found.get(metric.name)
                if known is None or known.kind == "unknown":
                    found[metric.name] = metric
        return found

    def metrics(self) -> dict[str, Metric]:
        """Every metric family, by its name in the source."""
        return dict(self._metrics)

    def series(self) -> dict[str, Metric]:
        """Every metric family, by each of the time series that it exports."""
        return {name: metric for metric in self._metrics.values() for name in metric.series}

    def problems(self, expression: str) -> list[str]:
        """What is wrong with the vLLM series in a PromQL *expression*: nothing, if it is empty.

        A name that is not exported, or only under a condition; an `le` that is no bucket's bound.
        """
        series = self.series()
        problems: list[str] = []
        for name in sorted(set(_SERIES.findall(expression))):
            if name not in series:
                problems.append(f"{name} is not a series of vLLM {VERSION}")
            elif condition := series[name].condition:
                problems.append(f"{name} is exported only if {condition}")
        for name, bound in _BUCKET.findall(expression):
            metric = series.get(f"{name}_bucket")
            if metric and metric.buckets and bound not in metric.bounds:
                allowed = ", ".join(sorted(metric.bounds, key=float))
                problems.append(f'{name}_bucket has no le="{bound}": one of {allowed}')
        return problems


@once
def source() -> VllmSource:
    """The source of the pinned version, installed on this machine if it is not yet."""
    return VllmSource(cache.installed("vllm", VERSION, "336 MB from PyPI", _install))


def _install(folder: Path) -> None:
    requirement = folder / "requirement.txt"
    requirement.write_text(f"vllm=={VERSION} --hash=sha256:{_SHA256}\n")
    cache.call(
        "vLLM",
        [
            *(sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check"),
            *("--no-deps", "--only-binary=:all:", "--platform", _PLATFORM),
            *("--python-version", "3.12", "--implementation", "cp", "--abi", "abi3"),
            *("--require-hashes", "-r", str(requirement), "-d", str(folder)),
        ],
        "see that pip reaches PyPI, then run the tests again",
    )
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as files:
        files.extractall(
            folder, [name for name in files.namelist() if re.fullmatch(r"vllm/.*\.py", name)]
        )
    wheel.unlink()


def _keys(table: ast.expr) -> frozenset[str]:
    if not isinstance(table, ast.Dict):
        raise TypeError(ast.unparse(table)[:80])
    return frozenset(str(ast.literal_eval(key)) for key in table.keys if key is not None)
