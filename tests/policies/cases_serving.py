"""Cases of the rules about images, GPUs, model servers and data."""

from typing import Any

from tests.policies.cases import Case, Compliant, NotApplicable, Violating
from tests.policies.manifests import (
    BOX,
    NAMESPACE,
    POD,
    REMOVED,
    Path,
    change,
    claim,
    database,
    job,
    model_server,
    namespace,
    quota,
    service,
    tenant,
    workload,
)

_IMAGE = (*BOX, "image")
_DIGEST = f"@sha256:{'ab' * 32}"


def _refused(rule: str, sentence: str, path: Path, value: Any, at: str) -> Violating:
    """A model server with *value* at *path*, which a preview may not know."""
    return Violating(rule, sentence, [change(model_server(), path, value)], at, (0, path))


PINS: tuple[Case, ...] = (
    _refused("image-digest", "a tag alone", _IMAGE, "registry.example/a/b:1.2", "image"),
    Compliant("image-digest", "a tag with its digest", [workload()]),
    NotApplicable("image-digest", "a Service", [service()]),
    *(
        _refused("image-registry", f"the image {image}", _IMAGE, image + _DIGEST, "image")
        for image in ("redis:8", "library/redis:8", "docker.io/a/b:1", "quay.io/a/b:1")
    ),
    Violating("image-registry", "an operator's image", [tenant()], "spec.image"),
    Compliant(
        "image-registry",
        "registries of one's own",
        [workload(), change(workload(), _IMAGE, f"localhost/a:1{_DIGEST}")],
    ),
    NotApplicable("image-registry", "a Service", [service()]),
    _refused(
        "image-pull-policy",
        "images that are never pulled",
        (*BOX, "imagePullPolicy"),
        "Never",
        "imagePullPolicy",
    ),
    Violating(
        "image-pull-policy",
        "a moving tag that is not pulled",
        [
            change(
                workload(),
                *(_IMAGE, "registry.example/a/b:stable"),
                *((*BOX, "imagePullPolicy"), "IfNotPresent"),
            )
        ],
        "imagePullPolicy",
    ),
    Compliant(
        "image-pull-policy",
        "a version that is pulled once, and a moving tag that is pulled each time",
        [
            change(workload(), (*BOX, "imagePullPolicy"), "IfNotPresent"),
            change(
                workload(),
                *(_IMAGE, "registry.example/a/b:stable"),
                *((*BOX, "imagePullPolicy"), "Always"),
            ),
        ],
    ),
    NotApplicable("image-pull-policy", "a Service", [service()]),
)

_SHM = "containers[server].volumeMounts[/dev/shm]"
_SCRATCH = (*POD, "volumes", 0, "emptyDir")

GPUS: tuple[Case, ...] = (
    Violating(
        "scratch-size-limit",
        "an emptyDir without a limit",
        [change(workload(), (*POD, "volumes", 0), {"name": "tmp", "emptyDir": {}})],
        "volumes[tmp].emptyDir.sizeLimit",
        (0, _SCRATCH),
    ),
    Compliant("scratch-size-limit", "one with a limit", [model_server()]),
    NotApplicable("scratch-size-limit", "a Service", [service()]),
    Violating(
        "gpu-placement",
        "a pod for whichever GPU there is",
        [change(model_server(), (*POD, "nodeSelector"), REMOVED)],
        "nodeSelector",
        (0, (*BOX, "resources", "limits")),
    ),
    Violating(
        "gpu-placement",
        "a pod that no GPU node takes",
        [change(model_server(), (*POD, "tolerations"), REMOVED)],
        "tolerations",
    ),
    Compliant("gpu-placement", "labels and a toleration, or no GPUs", [model_server(), workload()]),
    NotApplicable("gpu-placement", "a Service", [service()]),
    Violating(
        "shared-memory",
        "a split model with the runtime's 64 MiB",
        [change(model_server(), (*BOX, "volumeMounts"), REMOVED)],
        _SHM,
        (0, (*POD, "volumes")),
    ),
    Violating(
        "shared-memory",
        "shared memory on disk",
        [change(model_server(), (*_SCRATCH, "medium"), "")],
        _SHM,
        (0, (*_SCRATCH, "medium")),
    ),
    Violating(
        "shared-memory",
        "shared memory as large as all memory",
        [change(model_server(), (*_SCRATCH, "sizeLimit"), "1Gi")],
        _SHM,
        (0, (*_SCRATCH, "sizeLimit")),
    ),
    Compliant(
        "shared-memory",
        "a split model with its own, and a model on one GPU without",
        [
            model_server(),
            change(
                model_server(),
                *((*BOX, "resources", "limits", "nvidia.com/gpu"), "1"),
                *((*BOX, "args"), ["serve", "/models/1"]),
                *((*BOX, "volumeMounts"), REMOVED),
            ),
        ],
    ),
    NotApplicable("shared-memory", "a Service", [service()]),
    Violating(
        "gpu-capacity",
        "more GPUs than the quota declares",
        [
            change(model_server(), ("spec", "replicas"), 2),
            quota(**{"requests.nvidia.com/gpu": "3"}),
        ],
        "spec.hard[requests.nvidia.com/gpu]",
        (0, ("spec", "replicas")),
    ),
    Compliant(
        "gpu-capacity",
        "as many as declared, and others elsewhere",
        [
            model_server(),
            change(model_server(), ("metadata", "namespace"), "other"),
            quota(**{"requests.nvidia.com/gpu": "2"}),
        ],
    ),
    NotApplicable("gpu-capacity", "a Namespace", [namespace()]),
)

_ARGS = (*BOX, "args")
_SLEEP = (*BOX, "lifecycle", "preStop", "sleep", "seconds")

SERVING: tuple[Case, ...] = (
    Violating(
        "offline-switches",
        "a vLLM that may call the hub",
        [change(model_server(), (*BOX, "env", 0), REMOVED)],
        "env[HF_HUB_OFFLINE]",
        (0, (*BOX, "env")),
    ),
    Violating(
        "offline-switches",
        "a Kong that reports",
        [
            change(
                workload(),
                *(_IMAGE, "registry.example/library/kong:3.9.3"),
                *((*BOX, "env"), [{"name": "KONG_ANONYMOUS_REPORTS", "value": "on"}]),
            )
        ],
        "env[KONG_ANONYMOUS_REPORTS]",
        (0, (*BOX, "env", 0, "value")),
    ),
    Compliant("offline-switches", "a vLLM with its switches", [model_server()]),
    NotApplicable("offline-switches", "a Service", [service()]),
    _refused(
        "model-revision",
        "a model of the day",
        _ARGS,
        ["serve", "mistralai/Mistral-7B", "--ssl-certfile=/t"],
        "containers[server].args",
    ),
    Violating(
        "model-revision",
        "a branch for a revision",
        [
            change(
                model_server(),
                _ARGS,
                ["serve", "--model", "mistralai/Mistral-7B", "--revision=main"],
            )
        ],
        "containers[server].args",
    ),
    Compliant(
        "model-revision",
        "a folder, and a commit",
        [
            model_server(),
            change(
                model_server(), _ARGS, ["serve", "mistralai/Mistral-7B", f"--revision={'a1' * 20}"]
            ),
        ],
    ),
    NotApplicable("model-revision", "a Service", [service()]),
    Violating(
        "startup-budget",
        "a model server that is killed while it loads",
        [change(model_server(), (*BOX, "startupProbe"), REMOVED)],
        "containers[server].startupProbe",
        (0, BOX),
    ),
    Violating(
        "startup-budget",
        "a rollout that gives up before the probe does",
        [change(model_server(), (*BOX, "startupProbe", "failureThreshold"), 61)],
        "spec.progressDeadlineSeconds",
        (0, (*BOX, "startupProbe", "failureThreshold")),
    ),
    Compliant("startup-budget", "a probe as patient as the rollout", [model_server()]),
    Compliant(
        "startup-budget",
        "a worker of several nodes, which answers nobody",
        [change(model_server(), (*BOX, "startupProbe"), REMOVED, _ARGS, ["serve", "--headless"])],
    ),
    NotApplicable("startup-budget", "a Service", [service()]),
    Violating(
        "drain-time",
        "a model server with the default grace",
        [change(model_server(), (*POD, "terminationGracePeriodSeconds"), REMOVED)],
        "terminationGracePeriodSeconds",
        (0, (*POD,)),
    ),
    Violating(
        "drain-time",
        "a drain longer than the grace",
        [change(model_server(), _SLEEP, 15, _ARGS, ["serve", "/m", "--shutdown-timeout=120"])],
        "terminationGracePeriodSeconds",
        (0, _SLEEP),
    ),
    Compliant("drain-time", "a grace that covers both", [change(model_server(), _SLEEP, 15)]),
    NotApplicable("drain-time", "a Job", [job()]),
)

DATA: tuple[Case, ...] = (
    Violating(
        "encrypted-storage",
        "a claim of a class that nobody vouches for",
        [claim()],
        "spec.storageClassName",
        (0, ("spec", "storageClassName")),
    ),
    Violating("encrypted-storage", "a database's class", [database()], "spec.storage.storageClass"),
    Violating(
        "encrypted-storage",
        "the class of a StatefulSet's claims",
        [
            change(
                workload("StatefulSet"),
                ("spec", "volumeClaimTemplates"),
                [{"metadata": {"name": "data"}, "spec": {"storageClassName": "slow"}}],
            )
        ],
        "spec.volumeClaimTemplates[data].spec.storageClassName",
    ),
    Violating(
        "encrypted-storage",
        "the cluster's default class",
        [tenant()],
        "spec.pools[pool-0].volumeClaimTemplate.spec.storageClassName",
    ),
    Compliant("encrypted-storage", "a StatefulSet without claims", [workload("StatefulSet")]),
    NotApplicable("encrypted-storage", "a Deployment", [workload()]),
    Violating(
        "backup-declared",
        "a database that nobody backs up",
        [database()],
        "the backup",
    ),
    Violating(
        "backup-declared",
        "a backup of another database",
        [
            database(),
            {
                "apiVersion": "postgresql.cnpg.io/v1",
                "kind": "ScheduledBackup",
                "metadata": {"name": "nightly", "namespace": NAMESPACE},
                "spec": {"cluster": {"name": "other"}},
            },
        ],
        "the backup",
        (1, ("spec", "cluster")),
    ),
    Compliant(
        "backup-declared",
        "a database with a ScheduledBackup",
        [
            database(),
            {
                "apiVersion": "postgresql.cnpg.io/v1",
                "kind": "ScheduledBackup",
                "metadata": {"name": "nightly", "namespace": NAMESPACE},
                "spec": {"cluster": {"name": "chat"}},
            },
        ],
    ),
    NotApplicable("backup-declared", "a claim", [claim()]),
)
