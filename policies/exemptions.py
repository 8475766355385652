"""The named exceptions: which workload may break which rule, and why.

An entry names the workload by its `app.kubernetes.io/name` label. Removing an entry must be the
only change needed to enforce the rule on it again.
"""

from dataclasses import dataclass
from fnmatch import fnmatchcase


@dataclass(frozen=True)
class Exemption:
    """Leave for one sort of workload to break one rule."""

    rule: str
    name: str
    """Value of the label `app.kubernetes.io/name`."""
    subjects: tuple[str, ...]
    """Patterns of `Finding.subject`: the paths or fields let through; "" for findings without."""
    reason: str

    def covers(self, rule: str, name: str, subject: str) -> bool:
        """Whether it lets this finding through."""
        return (rule, name) == (self.rule, self.name) and any(
            fnmatchcase(subject, pattern) for pattern in self.subjects
        )


_KUBELET = "/var/lib/kubelet"
_PLUGIN, _EXPORTER = "nvidia-device-plugin", "dcgm-exporter"
_HOOKS = "The NVIDIA runtime's hooks write the driver's library cache into the container."

EXEMPTIONS = (
    Exemption(
        "no-host-path",
        _PLUGIN,
        (f"{_KUBELET}/device-plugins",),
        "It announces the GPUs to the kubelet over a socket in that directory.",
    ),
    Exemption(
        "restricted-security-context",
        _PLUGIN,
        ("runAsNonRoot",),
        "The kubelet's device plugin directory belongs to root.",
    ),
    Exemption(
        "read-only-root-filesystem",
        _PLUGIN,
        ("",),
        _HOOKS,
    ),
    Exemption(
        "no-host-path",
        _EXPORTER,
        (f"{_KUBELET}/pod-resources",),
        "It asks the kubelet over a socket there which pod holds which GPU.",
    ),
    Exemption(
        "restricted-security-context",
        _EXPORTER,
        ("runAsNonRoot",),
        "The kubelet's socket belongs to root.",
    ),
    Exemption(
        "read-only-root-filesystem",
        _EXPORTER,
        ("",),
        _HOOKS,
    ),
)
