"""Known linters of Kubernetes manifests, and what each of them calls an error."""

import hashlib
import json
import re
import subprocess
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from policies import Resource
from tests.conformance.peers import go_program, virtual_environment
from tests.conformance.peers.errors import RefusedError

KUBE_SCORE, KICS = "v1.20.0", "v2.2.0"
LOCK = Path(__file__).with_name("linters.lock")
"""Made by `uv pip compile --universal --generate-hashes` of `checkov==3.3.30` and
`kubernetes-validate==1.37.0`, which brings the schemas of Kubernetes 1.25 to 1.37."""
KUBERNETES = "1.30"
"""The oldest that docs/how-to/real-cluster.md allows. The simulated API server is 1.36."""
NO_SCHEMA, INVALID = "no-schema", "invalid"
"""What kubernetes-validate finds: a kind that is not Kubernetes' own; fields it does not have."""

_CRITICAL = 1
"""kube-score's grades: 1 critical, 5 warning, 7 almost fine, 10 fine (scorecard/scorecard.go)."""
_KICS_MODULE = "github.com/Checkmarx/kics/v2"
_KICS_BROKEN = "b7652612-de4e-4466-a0bf-1cd81f0c6063"
"""volume_mount_with_os_directory_write_permissions: in this release it ends with an error of its
own on pods that mount ConfigMaps and Secrets (`functions must not produce multiple outputs`)."""
_INVALID = re.compile(r"^ERROR \S+ did not validate for resource (\S+) against", re.MULTILINE)
_UNKNOWN = re.compile(r"^WARN \S+ Couldn't find schema for kind (\S+) with", re.MULTILINE)

Manifest = Mapping[str, Any]


@dataclass(frozen=True)
class Complaint:
    """An error that a linter finds."""

    linter: str
    check: str
    resource: str
    """`KIND/NAMESPACE/NAME`, as waivers of the policy pack name it."""


@dataclass(frozen=True)
class Written:
    """Manifests in one file, as linters read them."""

    file: Path
    manifests: Sequence[Manifest]

    @classmethod
    def to(cls, file: Path, manifests: Iterable[Manifest]) -> "Written":
        """Write *manifests* to *file*."""
        objects = [dict(manifest) for manifest in manifests]
        with file.open("w") as stream:
            yaml.dump_all(objects, stream, Dumper=yaml.CSafeDumper, sort_keys=False)
        return cls(file, objects)

    def called(self, name: Callable[[Manifest], str]) -> Mapping[str, list[str]]:
        """The objects' ids, by the *name* that a linter has for each."""
        found: defaultdict[str, list[str]] = defaultdict(list)
        for manifest in self.manifests:
            found[name(manifest)].append(Resource.of(manifest).id)
        return dict(found)


def kube_score(written: Written) -> Iterator[Complaint]:
    """Its critical findings. It also reads which object refers to which."""
    package = "github.com/zegl/kube-score/cmd/kube-score"
    program = go_program.built("kube-score", package, KUBE_SCORE, "a minute")
    words = ["score", f"--kubernetes-version=v{KUBERNETES}", "--output-format=json"]
    for found in _json(_run(program, *words, str(written.file))):
        about = Resource.of({**found["type_meta"], "metadata": found["object_meta"]}).id
        for check in found["checks"] or []:
            if check["grade"] == _CRITICAL and not check["skipped"]:
                yield Complaint("kube-score", check["check"]["id"], about)


def checkov(written: Written) -> Iterator[Complaint]:
    """All of its findings: their severities are known to its vendor's service alone."""
    words = ("--framework=kubernetes", "--compact", "--quiet", "--skip-download", "--output=json")
    said = _json(_run(_from_pypi("checkov"), f"--file={written.file}", *words))
    if said["summary"]["parsing_errors"] or said["summary"]["resource_count"] == 0:
        raise RefusedError(str(said["summary"]))
    ids = written.called(lambda m: f"{m['kind']}.{_namespace(m)}.{m['metadata']['name']}")
    for failed in said["results"]["failed_checks"]:
        for about in ids.get(failed["resource"]) or _owners(failed["resource"], ids):
            yield Complaint("checkov", failed["check_id"], about)


def kics(written: Written) -> Iterator[Complaint]:
    """Its findings of severity high and critical, which its SARIF reports call errors.

    Its search for passwords is off: the Secrets of a stack hold some, as they must.
    """
    program = go_program.built("kics", f"{_KICS_MODULE}/cmd/console", KICS, "a minute or two")
    queries = go_program.module(_KICS_MODULE, KICS) / "assets" / "queries" / "k8s"
    report = written.file.with_suffix(".kics.json")
    done = _run(
        *(program, "scan", "--ci", "--path", str(written.file), "--queries-path", str(queries)),
        *("--type=Kubernetes", "--disable-secrets", f"--exclude-queries={_KICS_BROKEN}"),
        *("--exclude-severities=medium,low,info,trace", "--report-formats=json"),
        *(f"--output-path={report.parent}", f"--output-name={report.name}"),
    )
    said = json.loads(report.read_text()) if report.exists() else {}
    if not said.get("files_parsed") or said["queries_failed_to_execute"]:
        raise RefusedError(done.stdout + done.stderr)
    ids = written.called(lambda m: f"{m['kind']}/{m['metadata']['name']}")
    for query in said["queries"]:
        for found in query["files"]:
            for about in ids[f"{found['resource_type']}/{found['resource_name']}"]:
                yield Complaint("kics", query["query_name"], about)


def kubernetes_validate(written: Written) -> Iterator[Complaint]:
    """What the published schema of the oldest Kubernetes that is allowed does not have."""
    words = ("--strict", "--quiet", f"--kubernetes-version={KUBERNETES}", str(written.file))
    done = _run(_from_pypi("kubernetes-validate"), *words)
    invalid, unknown = _INVALID.findall(done.stdout), _UNKNOWN.findall(done.stdout)
    if done.stderr or bool(done.returncode) != bool(invalid):
        raise RefusedError(done.stdout + done.stderr)
    named = written.called(lambda m: f"{m['kind'].lower()}/{m['metadata']['name']}")
    kinds = written.called(lambda m: m["kind"])
    for check, names, ids in ((INVALID, invalid, named), (NO_SCHEMA, unknown, kinds)):
        for name in names:
            for about in ids[name]:
                yield Complaint("kubernetes-validate", check, about)


LINTERS: Mapping[str, Callable[[Written], Iterator[Complaint]]] = {
    "kube-score": kube_score,
    "checkov": checkov,
    "kics": kics,
    "kubernetes-validate": kubernetes_validate,
}


def _owners(pod: str, ids: Mapping[str, list[str]]) -> list[str]:
    """The workload whose pods checkov calls *pod*: `Pod.`, its namespace and name, their labels."""
    for name, found in ids.items():
        if pod.startswith(f"Pod.{name.partition('.')[2]}."):
            return found
    message = f"checkov names {pod}, which is not there"
    raise RefusedError(message)


def _namespace(manifest: Manifest) -> str:
    return str(manifest["metadata"].get("namespace", "default"))


def _from_pypi(program: str) -> str:
    version = hashlib.sha256(LOCK.read_bytes()).hexdigest()[:12]
    return str(virtual_environment.installed("linters", version, LOCK, "100 wheels") / program)


def _run(*words: str) -> subprocess.CompletedProcess[str]:
    """Run a linter, whose exit code says no more than whether it has findings."""
    return subprocess.run(words, capture_output=True, text=True, check=False)


def _json(done: subprocess.CompletedProcess[str]) -> Any:
    try:
        return json.loads(done.stdout)
    except json.JSONDecodeError:
        raise RefusedError(done.stdout + done.stderr) from None
