"""The checks that the known linters have, and those that are ours: which, and where they come from.

KY = kyverno/policies (R restricted, B baseline, P best practices, O other); KS = kube-score; PO =
Polaris; CK = checkov, CKV_K8S_n; C- = Kubescape's controls; PU = pulumi/compliance-policies.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One check of the union."""

    check: str
    tools: str = ""
    """Which tools have it, and under what name, with blanks between; none for ours."""
    undecided: str = ""
    """Why a stack's inputs cannot decide it; then it has no rule."""


ROWS: dict[int, Row] = {
    1: Row("no privileged container", "KY-B KS PO CK16 C-0057"),
    2: Row("allowPrivilegeEscalation false", "KY-R PO CK20 C-0016"),
    3: Row("runAsNonRoot, UID ≠ 0", "KY-R PO CK23 C-0013"),
    4: Row("UID/GID set and ≥10000", "KS CK40"),
    5: Row("drop ALL capabilities", "KY-R PO CK28,37 C-0055"),
    6: Row("added capabilities only NET_BIND_SERVICE", "KY-R PO CK25,39 C-0046"),
    7: Row("seccomp RuntimeDefault/Localhost", "KY-R KS PO CK31 C-0210"),
    8: Row("read-only root filesystem", "KY-P KS PO CK22 C-0017 PU"),
    9: Row("no hostPID/hostIPC", "KY-B PO CK17,18 C-0038"),
    10: Row("no hostNetwork", "KY-B PO CK19 C-0041"),
    11: Row("no hostPort", "KY-B PO CK26 C-0044"),
    12: Row("no hostPath (at least not writable)", "KY-B PO C-0048,C-0045"),
    13: Row("only allowed volume types", "KY-R"),
    14: Row("no container runtime socket", "KY-P CK27 C-0074"),
    15: Row("procMount default, safe sysctls", "KY-B PO"),
    16: Row("AppArmor/SELinux not loosened, no Windows HostProcess", "KY-B PO C-0202"),
    17: Row("pod and container securityContext present", "CK29,30 C-0211"),
    18: Row("automountServiceAccountToken false unless declared", "KY-O PO CK38 C-0034"),
    19: Row("own ServiceAccount, existing, not default", "KY-O CK41,42 C-0189,C-0307"),
    20: Row("no exec-probe shells, ssh or sudo in containers", "KY-O C-0042,C-0062"),
    21: Row("no :latest, tag present", "KY-P KS PO CK14 C-0075"),
    22: Row("image pinned by digest", "KY-O CK43"),
    23: Row("image from allowed (internal) registry", "KY-P C-0078"),
    24: Row("imagePullPolicy sound for the tag/digest", "KY-O KS PO CK15"),
    25: Row(
        "signature/SBOM/provenance",
        "KY-O C-0289",
        undecided="needs the registry: signatures, SBOMs and provenance are no part of a manifest",
    ),
    26: Row("CPU and memory requests", "KY-P KS PO CK10,12 C-0268,C-0269"),
    27: Row("memory limit", "KY-P KS PO CK13 C-0271"),
    28: Row("CPU limit (tools disagree: KY-O forbids it)", "KS PO CK11 C-0270"),
    29: Row("ephemeral-storage requests/limits, emptyDir sizeLimit", "KS KY-O"),
    30: Row("GPU: request = limit, product selector + toleration", "KY-O check-nvidia-gpu"),
    31: Row("liveness probe", "KY-P KS PO CK8 C-0056"),
    32: Row("readiness probe", "KY-P KS PO CK9 C-0018"),
    33: Row("liveness ≠ readiness", "KY-O KS"),
    34: Row("replicas ≥ 2 for serving tiers", "KY-O KS PO PU"),
    35: Row("PDB for every Deployment/StatefulSet", "KY-O KS PO"),
    36: Row("PDB valid and not blocking (nor above HPA min)", "KY-O KS PO PU"),
    37: Row("topology spread or anti-affinity", "KY-O KS PO"),
    38: Row("HPA target exists, min ≥2, max set, no static replicas", "KY-O KS PO C-0300"),
    39: Row("rolling-update strategy (Recreate only where declared)", "KS C-0305"),
    40: Row("priorityClass set", "KY-O PO"),
    41: Row("no naked Pods", "KY-O C-0073 PU"),
    42: Row("StatefulSet serviceName is an existing headless Service", "KS"),
    43: Row("selectors match templates; Service targets pods", "KS PO C-0293,C-0296"),
    44: Row("Job/CronJob: deadline, TTL, restartPolicy, concurrency", "KS KY-O"),
    45: Row("no duplicate env keys; declared ports match", "KS C-0295"),
    46: Row("no deprecated/removed or alpha/beta API", "KY-P KS PU"),
    47: Row("every pod covered by a NetworkPolicy", "KY-O KS PO CKV2_6 C-0260"),
    48: Row("default-deny ingress AND egress per namespace", "KY-P C-0030,C-0206"),
    49: Row("NetworkPolicy targets something, no empty allow-all", "KY-O KS C-0299"),
    50: Row("no NodePort", "KY-P KS"),
    51: Row("no LoadBalancer/externalIPs unless declared", "KY-P,O PU C-0256"),
    52: Row("Ingress/Gateway has TLS", "KY-O PO C-0263"),
    53: Row("host set, no wildcard, backend exists, unique", "KY-P,O KS C-0298,C-0302"),
    54: Row("no nginx snippet annotations / EOL controller", "CK152-154 C-0059,C-0292"),
    55: Row("no wildcard RBAC, no cluster-admin binding", "KY-O PO CK49 C-0187,C-0035"),
    56: Row(
        "no escalate/bind/impersonate, exec/attach, nodes/proxy, webhooks, CSR, token create",
        "KY-O PO CK155-158 CKV2_1-4 C-0002,C-0191",
    ),
    57: Row("no broad read of Secrets", "KY-O CKV2_5 C-0015,C-0186"),
    58: Row(
        "no credentials in env/ConfigMap; secrets as files not env", "KY-O PO CK35 C-0012,C-0207"
    ),
    59: Row(
        "not in default namespace; PSA labels enforce=restricted; quota + LimitRange",
        "KY-P CK21 C-0061,C-0192",
    ),
    60: Row("recommended labels, valid values, owner", "KY-P KS PU C-0076,C-0077"),
    61: Row("no egress to everywhere from a model or data pod"),
    62: Row("telemetry and hub switches present"),
    63: Row("model, image and chart sources all internal"),
    64: Row("model revision or digest pinned"),
    65: Row("startup probe of model servers sized to load time"),
    66: Row("termination grace covers the drain"),
    67: Row("sum of GPU limits within the declared capacity"),
    68: Row("shared memory sized for tensor parallel"),
    69: Row("inference API not exposed without the auth gateway"),
    70: Row("volumes and databases protected, backup declared"),
    71: Row("storage class in the encrypted list"),
    72: Row("secrets marked secret in the inputs"),
    73: Row("custom resource has a waitFor"),
    74: Row("content of a ConfigMap wired to its pods"),
    75: Row("waiver with reason, owner and expiry"),
    76: Row(
        "flags of the API server, etcd, scheduler, controller manager and kubelet",
        "CK68+ C-0066",
        undecided="outside a stack's reach: the cluster's operator sets them; use kube-bench",
    ),
}
"""By number: 1 to 60 the union, 61 to 75 ours, the rest what no stack can decide."""
