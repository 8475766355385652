"""The findings of `pai lint` as text, and for forges and scanners."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree as ET

from pydantic import RootModel

from cli.lint_finding import LintFinding
from policies import Level, Severity
from policies.explain import ALL
from policies.manifest_rules import KNOWN, READABLE
from review.wording import by_rule, plural, visible

Objects = Sequence[tuple[str, int, str]]
"""File, line and `KIND/NAMESPACE/NAME` of each object."""


STYLES: Mapping[Severity, str] = {
    Severity.CRITICAL: "bold red",
    Severity.HIGH: "red",
    Severity.MEDIUM: "yellow",
    Severity.LOW: "dim",
}
_TEMPLATE = re.compile(r"^spec\.(jobTemplate\.spec\.)?template\.spec\.")
_SARIF_LEVELS = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "note",
}
_SCORES = {
    Severity.CRITICAL: "9.5",
    Severity.HIGH: "8.0",
    Severity.MEDIUM: "5.0",
    Severity.LOW: "2.0",
}
"""`security-severity`, by which GitHub ranks alerts: from 9.0 critical, from 7.0 high, from 4.0
medium, else low (GitHub's page on SARIF support for code scanning)."""
_GITHUB_LEVELS = {"error": "error", "warning": "warning", "note": "notice"}
_NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 cannot hold (Extensible Markup Language 1.0, production 2)."""


def lines(findings: Iterable[LintFinding]) -> Iterator[tuple[LintFinding, str]]:
    """Each finding with its one line; kinds that no rule reads are in the summary."""
    shown = [finding for finding in findings if finding.rule != KNOWN.id]
    width = max((len(finding.rule) for finding in shown), default=0)
    for finding in shown:
        path = _TEMPLATE.sub("", finding.path)
        what = f"{_object(finding.resource)}  {path}" if finding.resource else path
        text = (
            f"{finding.where or '-'}  {finding.severity:<8}  {finding.rule:<{width}}  {what}: "
            f"got {finding.got}; allowed: {finding.allowed}; {finding.change}"
        )
        yield finding, _line(text)


def summary(
    findings: Sequence[LintFinding], objects: int, waived: Iterable[tuple[str, int]]
) -> Iterator[str]:
    """The counts: what nobody read, what was waived, objects and findings by severity."""
    unread = [finding for finding in findings if finding.rule == KNOWN.id]
    if unread:
        kinds = "; ".join(finding.got for finding in unread)
        yield _line(f"no rule reads {plural(len(unread), 'kind')}: {kinds}")
    passed = list(waived)
    if passed:
        count = sum(number for _, number in passed)
        rules = by_rule(passed)
        let = "lets" if len(passed) == 1 else "let"
        yield (
            f"{plural(len(passed), 'waiver')} {let} {plural(count, 'violation')} through: {rules}"
        )
    counts = Counter(f.severity for f in findings if f.level is Level.MANDATORY)
    grave = [f"{counts[s]} {s}" for s in reversed(Severity) if counts[s]]
    mandatory = plural(counts.total(), "mandatory finding") + (
        f" ({', '.join(grave)})" if grave else ""
    )
    advisory = sum(f.level is Level.ADVISORY for f in findings)
    yield f"{plural(objects, 'object')}: {mandatory}, {advisory} advisory"


def _as_json(findings: Sequence[LintFinding], objects: Objects, *, strict: bool) -> str:  # noqa: ARG001
    return RootModel[list[LintFinding]](list(findings)).model_dump_json(indent=2)


def _sarif(findings: Sequence[LintFinding], objects: Objects, *, strict: bool) -> str:  # noqa: ARG001
    """SARIF 2.1.0 (OASIS Standard incorporating Errata 01)."""
    rules = sorted({finding.rule for finding in findings})
    run = {
        "tool": {"driver": {"name": "pai lint", "rules": [_sarif_rule(rule) for rule in rules]}},
        "invocations": [{"executionSuccessful": not any(f.rule == READABLE.id for f in findings)}],
        "results": [_sarif_result(finding, rules.index(finding.rule)) for finding in findings],
        "columnKind": "unicodeCodePoints",
    }
    schema = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas"
    log = {"$schema": f"{schema}/sarif-schema-2.1.0.json", "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=2)


def _sarif_rule(name: str) -> dict[str, Any]:
    rule = ALL[name]
    return {
        "id": rule.id,
        "shortDescription": {"text": rule.what},
        "fullDescription": {"text": rule.why},
        "help": {"text": rule.remedy},
        "defaultConfiguration": {"level": _SARIF_LEVELS[rule.severity]},
        "properties": {
            "tags": ["kubernetes", rule.level, *rule.frameworks],
            "security-severity": _SCORES[rule.severity],
        },
    }


def _sarif_result(finding: LintFinding, index: int) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": finding.rule,
        "ruleIndex": index,
        "level": _SARIF_LEVELS[finding.severity],
        "message": {"text": visible(finding.text)},
    }
    if finding.file:
        artifact = {"uri": _uri(finding.file)}
        region = {"startLine": finding.line}
        place = {"physicalLocation": {"artifactLocation": artifact, "region": region}}
        if finding.resource:
            name = {"fullyQualifiedName": visible(finding.resource), "kind": "resource"}
            place["logicalLocations"] = [name]  # type: ignore[assignment]
        result["locations"] = [place]
    return result


def _uri(file: str) -> str:
    """*file* as a reference relative to this folder, where it is in it."""
    path = Path(file)
    if path.is_absolute() and not path.is_relative_to(Path.cwd()):
        return path.as_uri()
    relative = path.relative_to(Path.cwd()) if path.is_absolute() else path
    return quote(relative.as_posix())


def _github(findings: Sequence[LintFinding], objects: Objects, *, strict: bool) -> str:  # noqa: ARG001
    """Workflow commands, which GitHub shows on the lines of a pull request.

    Escapes as in actions/toolkit, packages/core/src/command.ts, `escapeData`, `escapeProperty`.
    """

    def data(text: str) -> str:
        return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")

    def value(text: str) -> str:
        return data(text).replace(":", "%3A").replace(",", "%2C")

    commands: list[str] = []
    for finding in findings:
        level = _GITHUB_LEVELS[_SARIF_LEVELS[finding.severity]]
        place = f"file={value(finding.file)},line={finding.line}," if finding.file else ""
        title = value(f"{finding.rule} ({finding.severity}, {finding.level})")
        commands.append(f"::{level} {place}title={title}::{data(visible(finding.text))}")
    return "\n".join(commands)


def _junit(findings: Sequence[LintFinding], objects: Objects, *, strict: bool) -> str:
    """A suite for each file, with a case for each finding, and for each object without one.

    Advisory findings are skipped cases, or failures if *strict*; a file that cannot be read is an
    error.
    """
    root = ET.Element("testsuites", name="pai lint")
    found = {(finding.file, finding.resource) for finding in findings}
    names = dict.fromkeys([*(f.file for f in findings), *(file for file, _, _ in objects)])
    for file in names:
        suite = ET.SubElement(root, "testsuite", name=_xml(file or "all objects together"))
        cases = [(_case(suite, f), f) for f in findings if f.file == file]
        kinds = Counter(_outcome(case, finding, strict=strict) for case, finding in cases)
        clean = [name for at, _, name in objects if at == file and (at, name) not in found]
        for name in clean:
            ET.SubElement(suite, "testcase", name=_xml(name), classname=_xml(file))
        counts = {"failures": "failure", "errors": "error", "skipped": "skipped"}
        suite.attrib |= {"tests": str(len(cases) + len(clean))}
        suite.attrib |= {name: str(kinds[tag]) for name, tag in counts.items()}
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True)


def _case(suite: ET.Element, finding: LintFinding) -> ET.Element:
    name = f"{finding.rule}: {finding.resource} {finding.path}"
    attributes = {"name": _xml(name), "classname": _xml(finding.file)}
    if finding.file:
        attributes |= {"file": _xml(finding.file), "line": str(finding.line)}
    return ET.SubElement(suite, "testcase", attributes)


def _outcome(case: ET.Element, finding: LintFinding, *, strict: bool) -> str:
    """Add the outcome to *case*; return its tag."""
    failed = strict or finding.level is Level.MANDATORY
    tag = "error" if finding.rule == READABLE.id else "failure" if failed else "skipped"
    message = f"got {finding.got}; allowed: {finding.allowed}"
    child = ET.SubElement(case, tag, message=_xml(message))
    if tag != "skipped":
        child.set("type", finding.severity)
        child.text = _xml(f"{finding.where} {finding.text}".strip())
    return tag


def _object(resource: str) -> str:
    """`Deployment ai/ollama` for `Deployment.apps/ai/ollama`."""
    kind, _, rest = resource.partition("/")
    return f"{kind.partition('.')[0]} {rest.removeprefix('-/')}"


def _line(text: str) -> str:
    return " ".join(visible(text).split("\n")).replace("\t", " ")


def _xml(text: str) -> str:
    return _NO_XML.sub("�", text)


Renderer = Callable[..., str]
RENDERERS: Mapping[str, Renderer] = {
    "json": _as_json,
    "sarif": _sarif,
    "github": _github,
    "junit": _junit,
}
"""How the formats but text are written: of findings, objects and whether advice counts."""
