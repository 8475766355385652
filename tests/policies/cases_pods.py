"""Cases of the rules about resources, isolation, images and health."""

from tests.policies.cases import Case, Compliant, NotApplicable, Violating
from tests.policies.manifests import (
    BOX,
    POD,
    REMOVED,
    change,
    cron_job,
    database,
    job,
    namespace,
    pod,
    replica_set,
    service,
    tenant,
    worker_set,
    workload,
)

_LIMITS = (*BOX, "resources", "limits")
_REQUESTS = (*BOX, "resources", "requests")
_GPU = "nvidia.com/gpu"
_GROUP = ("spec", "leaderWorkerTemplate")
_INIT = (*POD, "initContainers", 0)
_SECURITY = (*BOX, "securityContext")

RESOURCES: tuple[Case, ...] = (
    Violating(
        "requests-and-limits",
        "a container without a memory limit",
        [change(workload(), (*_LIMITS, "memory"), REMOVED)],
        "spec.template.spec.containers[server].resources.limits.memory",
        (0, (*_LIMITS, "memory")),
    ),
    Violating(
        "requests-and-limits",
        "a container without any resources",
        [change(workload("StatefulSet"), (*BOX, "resources"), REMOVED)],
        "resources.requests.cpu",
    ),
    Violating(
        "requests-and-limits",
        "an init container without a CPU request",
        [change(workload(), (*_INIT, "resources", "requests", "cpu"), REMOVED)],
        "initContainers[prepare].resources.requests.cpu",
    ),
    Violating(
        "requests-and-limits",
        "a CronJob without a limit on its disk",
        [
            change(
                cron_job(),
                ("spec", "jobTemplate", *_LIMITS, "ephemeral-storage"),
                REMOVED,
            )
        ],
        "spec.jobTemplate.spec.template.spec.containers[server].resources.limits.ephemeral-storage",
    ),
    Violating(
        "requests-and-limits",
        "a CPU request of zero",
        [change(pod(), ("spec", "containers", 0, "resources", "requests", "cpu"), "0m")],
        "spec.containers[server].resources.requests.cpu",
    ),
    Violating(
        "requests-and-limits",
        "a MinIO pool without a memory limit",
        [change(tenant(), ("spec", "pools", 0, "resources", "limits", "memory"), REMOVED)],
        "spec.pools[pool-0].resources.limits.memory",
    ),
    Violating(
        "requests-and-limits",
        "a PostgreSQL cluster without resources",
        [change(database(), ("spec", "resources"), REMOVED)],
        "spec.resources.limits.cpu",
    ),
    Violating(
        "requests-and-limits",
        "a ReplicaSet without a memory limit",
        [change(replica_set(), (*_LIMITS, "memory"), REMOVED)],
        "spec.template.spec.containers[server].resources.limits.memory",
    ),
    *(
        Violating(
            "requests-and-limits",
            f"a LeaderWorkerSet whose {template} has a container without resources",
            [
                change(
                    worker_set(),
                    (*_GROUP, template, "spec", "containers", 0, "resources"),
                    REMOVED,
                )
            ],
            f"spec.leaderWorkerTemplate.{template}.spec.containers[server].resources.limits.cpu",
        )
        for template in ("leaderTemplate", "workerTemplate")
    ),
    Compliant(
        "requests-and-limits",
        "every kind of workload with all of them",
        [
            replica_set(),
            worker_set(),
            workload(),
            workload("DaemonSet"),
            job(),
            cron_job(),
            pod(),
            tenant(),
            database(),
        ],
    ),
    NotApplicable("requests-and-limits", "a Service", [service()]),
    Violating(
        "gpu-request-equals-limit",
        "a request of two GPUs with a limit of one",
        [change(workload(), (*_REQUESTS, _GPU), "2", (*_LIMITS, _GPU), 1)],
        f"limits.{_GPU}",
        (0, (*_LIMITS, _GPU)),
    ),
    Violating(
        "gpu-request-equals-limit",
        "a requested GPU without a limit",
        [change(job(), (*_REQUESTS, _GPU), 1)],
        f"limits.{_GPU}",
    ),
    *(
        Violating(
            "gpu-request-equals-limit",
            f"a request of one {gpu} with a limit of two",
            [change(workload(), (*_REQUESTS, gpu), 1, (*_LIMITS, gpu), 2)],
            f"limits.{gpu}",
            (0, (*_REQUESTS, gpu)),
        )
        for gpu in ("nvidia.com/mig-1g.10gb", "amd.com/gpu", "gpu.intel.com/i915")
    ),
    Compliant(
        "gpu-request-equals-limit",
        "equal numbers, as text or number, and a limit alone",
        [
            change(workload(), (*_REQUESTS, _GPU), "8", (*_LIMITS, _GPU), 8),
            change(workload(), (*_LIMITS, _GPU), "1"),
        ],
    ),
    NotApplicable("gpu-request-equals-limit", "a Service", [service()]),
)

ISOLATION: tuple[Case, ...] = (
    Violating(
        "no-privileged",
        "a privileged container",
        [change(workload("DaemonSet"), (*_SECURITY, "privileged"), True)],
        "containers[server].securityContext.privileged",
        (0, (*_SECURITY, "privileged")),
    ),
    Compliant("no-privileged", "a container that says it is not", [workload()]),
    NotApplicable("no-privileged", "a Namespace", [namespace()]),
    *(
        Violating(
            "no-host-namespaces",
            f"a pod with {field}",
            [change(workload(), (*POD, field), True)],
            f"spec.template.spec.{field}",
            (0, (*POD, field)),
        )
        for field in ("hostNetwork", "hostPID", "hostIPC")
    ),
    Compliant(
        "no-host-namespaces",
        "a pod that says no to all of them",
        [change(workload(), (*POD, "hostNetwork"), False)],
    ),
    NotApplicable("no-host-namespaces", "a Namespace", [namespace()]),
    Violating(
        "no-host-port",
        "a container with a port of the node",
        [change(workload(), (*BOX, "ports", 0, "hostPort"), 8443)],
        "ports[https].hostPort",
        (0, (*BOX, "ports", 0, "hostPort")),
    ),
    Compliant(
        "no-host-port",
        "a container port, also with the zero that means none",
        [workload(), change(workload(), (*BOX, "ports", 0, "hostPort"), 0)],
    ),
    NotApplicable("no-host-port", "a Service", [service()]),
    Violating(
        "no-host-path",
        "a directory of the node",
        [
            change(
                workload(),
                (*POD, "volumes", 0),
                {"name": "docker", "hostPath": {"path": "/var/run/docker.sock"}},
            )
        ],
        "volumes[docker].hostPath",
        (0, (*POD, "volumes")),
    ),
    Compliant(
        "no-host-path",
        "volumes that are the cluster's",
        [
            change(
                workload(),
                (*POD, "volumes"),
                [{"name": "tmp", "emptyDir": {"sizeLimit": "1Gi"}}],
            )
        ],
    ),
    NotApplicable("no-host-path", "a Namespace", [namespace()]),
    *(
        Violating(
            "restricted-security-context",
            sentence,
            [change(workload(), path, value)],
            at,
            (0, path),
        )
        for sentence, path, value, at in (
            (
                "a container that may be root",
                (*POD, "securityContext", "runAsNonRoot"),
                False,
                "containers[server].securityContext.runAsNonRoot",
            ),
            (
                "a container with the user 0",
                (*_SECURITY, "runAsUser"),
                0,
                "containers[server].securityContext.runAsUser",
            ),
            (
                "a container that may escalate",
                (*_SECURITY, "allowPrivilegeEscalation"),
                True,
                "containers[server].securityContext.allowPrivilegeEscalation",
            ),
            (
                "a container that keeps capabilities",
                (*_SECURITY, "capabilities", "drop"),
                ["NET_RAW"],
                "containers[server].securityContext.capabilities.drop",
            ),
            (
                "an added capability",
                (*_SECURITY, "capabilities", "add"),
                ["SYS_PTRACE"],
                "containers[server].securityContext.capabilities.add",
            ),
            (
                "an unconfined container",
                (*_SECURITY, "seccompProfile"),
                {"type": "Unconfined"},
                "containers[server].securityContext.seccompProfile.type",
            ),
            (
                "an init container that says nothing",
                (*_INIT, "securityContext"),
                {},
                "initContainers[prepare].securityContext.allowPrivilegeEscalation",
            ),
        )
    ),
    Compliant(
        "restricted-security-context",
        "hardened workloads, a profile of their own, and the capability to bind low ports",
        [
            workload(),
            change(workload(), (*_SECURITY, "seccompProfile"), {"type": "Localhost"}),
            change(workload(), (*_SECURITY, "capabilities", "add"), ["NET_BIND_SERVICE"]),
        ],
    ),
    NotApplicable("restricted-security-context", "a Namespace", [namespace()]),
    Violating(
        "read-only-root-filesystem",
        "a container that may write to its image",
        [change(workload(), (*_SECURITY, "readOnlyRootFilesystem"), False)],
        "readOnlyRootFilesystem",
        (0, (*_SECURITY, "readOnlyRootFilesystem")),
    ),
    Compliant("read-only-root-filesystem", "a container that may not", [workload()]),
    NotApplicable("read-only-root-filesystem", "a Service", [service()]),
    Violating(
        "no-service-account-token",
        "a pod that does not refuse the token",
        [change(workload(), (*POD, "automountServiceAccountToken"), REMOVED)],
        "spec.template.spec.automountServiceAccountToken",
        (0, (*POD, "automountServiceAccountToken")),
    ),
    Violating(
        "no-service-account-token",
        "a pod that wants the default account's token",
        [
            change(
                workload(),
                *((*POD, "automountServiceAccountToken"), True),
                *((*POD, "serviceAccountName"), REMOVED),
            )
        ],
        "spec.template.spec.automountServiceAccountToken",
    ),
    Violating(
        "no-service-account-token",
        "a named account whose token nobody asked for or refused",
        [
            change(
                workload(),
                (*POD, "automountServiceAccountToken"),
                REMOVED,
                (*POD, "serviceAccountName"),
                "router",
            )
        ],
        "spec.template.spec.automountServiceAccountToken",
    ),
    *(
        Violating(
            "no-service-account-token",
            f"the token of the account {account!r}",
            [
                change(
                    workload(),
                    (*POD, "automountServiceAccountToken"),
                    True,
                    (*POD, "serviceAccountName"),
                    account,
                )
            ],
            "spec.template.spec.automountServiceAccountToken",
            (0, (*POD, "serviceAccountName")),
        )
        for account in ("", "default")
    ),
    Compliant(
        "no-service-account-token",
        "a refused token, and one of a named account",
        [
            workload(),
            change(
                workload(),
                (*POD, "automountServiceAccountToken"),
                True,
                (*POD, "serviceAccountName"),
                "router",
            ),
        ],
    ),
    NotApplicable("no-service-account-token", "a Namespace", [namespace()]),
)

_IMAGE = (*BOX, "image")

IMAGES: tuple[Case, ...] = (
    *(
        Violating(
            "image-tag",
            f"the image {image}",
            [change(workload(), _IMAGE, image)],
            "containers[server].image",
            (0, _IMAGE),
        )
        for image in ("qdrant/qdrant", "qdrant/qdrant:latest", "registry.example:5000/qdrant")
    ),
    Violating(
        "image-tag",
        "a Tenant on a floating image",
        [change(tenant(), ("spec", "image"), "quay.io/minio/minio:latest")],
        "spec.image",
    ),
    Compliant(
        "image-tag",
        "a tag, and a digest without a tag",
        [
            workload(),
            change(workload(), _IMAGE, f"qdrant/qdrant@sha256:{'0' * 64}"),
            tenant(),
        ],
    ),
    NotApplicable("image-tag", "a Service", [service()]),
    *(
        Violating(
            "image-source",
            f"the image {image}",
            [change(workload("StatefulSet"), _IMAGE, image)],
            "containers[server].image",
            (0, _IMAGE),
        )
        for image in (
            "docker.io/bitnami/redis:8.0",
            "index.docker.io/bitnami/redis:8.0",
            "registry-1.docker.io/minio/mc:1",
            "bitnamilegacy/postgresql:17",
            "minio/minio:RELEASE.2025-09-07T16-13-09Z",
        )
    ),
    Compliant(
        "image-source",
        "the same names in other registries",
        [
            change(workload(), _IMAGE, "registry.example/bitnami/redis:8.0"),
            change(workload(), _IMAGE, "localhost/minio/mc:1"),
            change(workload(), _IMAGE, "registry.example/docker.io/minio/mc:1"),
            tenant(),
            database(),
        ],
    ),
    NotApplicable("image-source", "a Service", [service()]),
)

HEALTH: tuple[Case, ...] = (
    Violating(
        "liveness-probe",
        "a DaemonSet without one",
        [change(workload("DaemonSet"), (*BOX, "livenessProbe"), REMOVED)],
        "containers[server].livenessProbe",
        (0, (*BOX, "livenessProbe")),
    ),
    Compliant("liveness-probe", "a StatefulSet with one", [workload("StatefulSet")]),
    NotApplicable("liveness-probe", "Jobs and what an operator runs", [job(), tenant()]),
    Violating(
        "readiness-probe",
        "a Deployment without one",
        [change(workload(), (*BOX, "readinessProbe"), REMOVED)],
        "containers[server].readinessProbe",
        (0, (*BOX, "readinessProbe")),
    ),
    Compliant("readiness-probe", "a Deployment with one", [workload()]),
    NotApplicable(
        "readiness-probe",
        "Jobs, DaemonSets and what an operator runs",
        [job(), change(workload("DaemonSet"), (*BOX, "readinessProbe"), REMOVED), database()],
    ),
    Violating(
        "liveness-more-patient",
        "a liveness probe that asks what readiness asks, and gives up as soon",
        [change(workload(), (*BOX, "livenessProbe", "failureThreshold"), 3)],
        "containers[server].livenessProbe",
        (0, (*BOX, "livenessProbe", "failureThreshold")),
    ),
    Compliant(
        "liveness-more-patient",
        "one that waits longer, and one that asks something else",
        [
            workload(),
            change(
                workload(),
                *((*BOX, "livenessProbe", "failureThreshold"), 1),
                *((*BOX, "livenessProbe", "httpGet", "path"), "/alive"),
            ),
        ],
    ),
    NotApplicable("liveness-more-patient", "a Job", [job()]),
)
