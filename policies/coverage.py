"""The checks of known linters, and of this pack alone, by name.

KY = kyverno/policies (R restricted, B baseline, P best practices, O other); KS = kube-score; PO =
Polaris; CK = checkov, CKV_K8S_n; C- = Kubescape's controls; PU = pulumi/compliance-policies.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """One check, whichever tools make it."""

    summary: str
    tools: str = ""
    """Tools that make it, with their own ids, separated by spaces; empty if only this pack does."""
    undecidable: str = ""
    """Why manifests cannot decide it; it then has no rule."""


CHECKS: Mapping[str, Check] = {
    "no-privileged-container": Check("no privileged container", "KY-B KS PO CK16 C-0057"),
    "no-privilege-escalation": Check("allowPrivilegeEscalation false", "KY-R PO CK20 C-0016"),
    "run-as-non-root": Check("runAsNonRoot, UID ≠ 0", "KY-R PO CK23 C-0013"),
    "high-user-and-group-ids": Check("UID/GID set and ≥10000", "KS CK40"),
    "drop-all-capabilities": Check("drop ALL capabilities", "KY-R PO CK28,37 C-0055"),
    "added-capabilities": Check(
        "added capabilities only NET_BIND_SERVICE", "KY-R PO CK25,39 C-0046"
    ),
    "seccomp-profile": Check("seccomp RuntimeDefault/Localhost", "KY-R KS PO CK31 C-0210"),
    "read-only-root-filesystem": Check("read-only root filesystem", "KY-P KS PO CK22 C-0017 PU"),
    "no-host-pid-or-ipc": Check("no hostPID/hostIPC", "KY-B PO CK17,18 C-0038"),
    "no-host-network": Check("no hostNetwork", "KY-B PO CK19 C-0041"),
    "no-host-port": Check("no hostPort", "KY-B PO CK26 C-0044"),
    "no-host-path": Check("no hostPath (at least not writable)", "KY-B PO C-0048,C-0045"),
    "volume-types": Check("only allowed volume types", "KY-R"),
    "no-runtime-socket": Check("no container runtime socket", "KY-P CK27 C-0074"),
    "proc-mount-and-sysctls": Check("procMount default, safe sysctls", "KY-B PO"),
    "apparmor-selinux-host-process": Check(
        "AppArmor/SELinux not loosened, no Windows HostProcess", "KY-B PO C-0202"
    ),
    "security-context-present": Check(
        "pod and container securityContext present", "CK29,30 C-0211"
    ),
    "no-automounted-token": Check(
        "automountServiceAccountToken false unless declared", "KY-O PO CK38 C-0034"
    ),
    "own-service-account": Check(
        "own ServiceAccount, existing, not default", "KY-O CK41,42 C-0189,C-0307"
    ),
    "no-remote-shell": Check(
        "no exec-probe shells, ssh or sudo in containers", "KY-O C-0042,C-0062"
    ),
    "image-tag": Check("no :latest, tag present", "KY-P KS PO CK14 C-0075"),
    "image-digest": Check("image pinned by digest", "KY-O CK43"),
    "image-registry": Check("image from allowed (internal) registry", "KY-P C-0078"),
    "image-pull-policy": Check("imagePullPolicy sound for the tag/digest", "KY-O KS PO CK15"),
    "image-signature": Check(
        "signature/SBOM/provenance",
        "KY-O C-0289",
        undecidable="needs the registry: manifests hold no signatures, SBOMs or provenance",
    ),
    "cpu-and-memory-requests": Check("CPU and memory requests", "KY-P KS PO CK10,12 C-0268,C-0269"),
    "memory-limit": Check("memory limit", "KY-P KS PO CK13 C-0271"),
    "cpu-limit": Check("CPU limit (tools disagree: KY-O forbids it)", "KS PO CK11 C-0270"),
    "ephemeral-storage": Check("ephemeral-storage requests/limits, emptyDir sizeLimit", "KS KY-O"),
    "gpu-requests-and-placement": Check(
        "GPU: request = limit, product selector + toleration", "KY-O check-nvidia-gpu"
    ),
    "liveness-probe": Check("liveness probe", "KY-P KS PO CK8 C-0056"),
    "readiness-probe": Check("readiness probe", "KY-P KS PO CK9 C-0018"),
    "distinct-probes": Check("liveness ≠ readiness", "KY-O KS"),
    "two-replicas": Check("replicas ≥ 2 for serving tiers", "KY-O KS PO PU"),
    "disruption-budget": Check("PDB for every Deployment/StatefulSet", "KY-O KS PO"),
    "disruption-budget-valid": Check(
        "PDB valid and not blocking (nor above HPA min)", "KY-O KS PO PU"
    ),
    "replicas-spread": Check("topology spread or anti-affinity", "KY-O KS PO"),
    "autoscaler-valid": Check(
        "HPA target exists, min ≥2, max set, no static replicas", "KY-O KS PO C-0300"
    ),
    "rolling-update": Check("rolling-update strategy (Recreate only where declared)", "KS C-0305"),
    "priority-class": Check("priorityClass set", "KY-O PO"),
    "no-naked-pod": Check("no naked Pods", "KY-O C-0073 PU"),
    "headless-service": Check("StatefulSet serviceName is an existing headless Service", "KS"),
    "selectors-match": Check(
        "selectors match templates; Service targets pods", "KS PO C-0293,C-0296"
    ),
    "job-bounds": Check("Job/CronJob: deadline, TTL, restartPolicy, concurrency", "KS KY-O"),
    "duplicate-env-and-ports": Check("no duplicate env keys; declared ports match", "KS C-0295"),
    "stable-api-version": Check("no deprecated/removed or alpha/beta API", "KY-P KS PU"),
    "network-policy-for-every-pod": Check(
        "every pod covered by a NetworkPolicy", "KY-O KS PO CKV2_6 C-0260"
    ),
    "default-deny": Check("default-deny ingress AND egress per namespace", "KY-P C-0030,C-0206"),
    "network-policy-targets": Check(
        "NetworkPolicy targets something, no empty allow-all", "KY-O KS C-0299"
    ),
    "no-node-port": Check("no NodePort", "KY-P KS"),
    "no-load-balancer": Check("no LoadBalancer/externalIPs unless declared", "KY-P,O PU C-0256"),
    "tls": Check("Ingress/Gateway has TLS", "KY-O PO C-0263"),
    "route-hosts": Check(
        "host set, no wildcard, backend exists, unique", "KY-P,O KS C-0298,C-0302"
    ),
    "no-nginx-ingress": Check(
        "no nginx snippet annotations / EOL controller", "CK152-154 C-0059,C-0292"
    ),
    "no-wildcard-role": Check(
        "no wildcard RBAC, no cluster-admin binding", "KY-O PO CK49 C-0187,C-0035"
    ),
    "no-escalating-role": Check(
        "no escalate/bind/impersonate, exec/attach, nodes/proxy, webhooks, CSR, token create",
        "KY-O PO CK155-158 CKV2_1-4 C-0002,C-0191",
    ),
    "no-broad-secret-access": Check("no broad read of Secrets", "KY-O CKV2_5 C-0015,C-0186"),
    "secrets-as-files": Check(
        "no credentials in env/ConfigMap; secrets as files not env", "KY-O PO CK35 C-0012,C-0207"
    ),
    "namespace-isolation": Check(
        "not in default namespace; PSA labels enforce=restricted; quota + LimitRange",
        "KY-P CK21 C-0061,C-0192",
    ),
    "recommended-labels": Check(
        "recommended labels, valid values, owner", "KY-P KS PU C-0076,C-0077"
    ),
    "pod-template": Check("a workload has a pod template with containers"),
    "no-open-egress": Check("no egress to everywhere from a model or data pod"),
    "offline-switches": Check("telemetry and hub switches present"),
    "internal-sources": Check("model, image and chart sources all internal"),
    "model-revision": Check("model revision or digest pinned"),
    "startup-budget": Check("startup probe of model servers sized to load time"),
    "drain-time": Check("termination grace covers the drain"),
    "gpu-capacity": Check("sum of GPU limits within the declared capacity"),
    "shared-memory": Check("shared memory sized for tensor parallel"),
    "inference-behind-gateway": Check("inference API not exposed without the auth gateway"),
    "data-protected": Check("volumes and databases protected, backup declared"),
    "encrypted-storage": Check("storage class in the encrypted list"),
    "marked-secrets": Check("secrets marked secret in the inputs"),
    "custom-resource-awaited": Check("custom resource has a waitFor"),
    "config-rolls-pods": Check("content of a ConfigMap wired to its pods"),
    "waiver-accountability": Check("waiver with reason, owner and expiry"),
    "control-plane-flags": Check(
        "flags of the API server, etcd, scheduler, controller manager and kubelet",
        "CK68+ C-0066",
        undecidable="set by the cluster's operator, outside the stack; use kube-bench",
    ),
}
"""By name, as rules cite them in `covers`."""
