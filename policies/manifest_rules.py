"""What `pai lint` says about files, beside what the rules say about the objects in them."""

from policies.rules.model import Described, Level, Severity

READABLE = Described(
    "manifest-readable",
    "A file holds Kubernetes objects in YAML or JSON, each key once.",
    "What cannot be read cannot be judged: nothing is known about the objects in it.",
    "fix the file, or leave it out",
    frozenset(),
    Severity.HIGH,
    covers=(),
)
KNOWN = Described(
    "kind-known",
    "A rule reads each kind, or it holds pod templates.",
    "No finding about an object of another kind only means that nobody looked.",
    "check it with the tools of its project",
    frozenset(),
    Severity.LOW,
    covers=(),
    level=Level.ADVISORY,
)
FILE_RULES = (READABLE, KNOWN)
