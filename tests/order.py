"""In which order tests run, and which of them stay together on one worker.

What deploys a stack or starts a server does so once for all that look at it: those tests are one
group. Long groups come first, so that at the end every worker has something short to do.
"""

import re
from collections.abc import Sequence
from typing import TypeVar

from xdist.scheduler import LoadScopeScheduling

T = TypeVar("T")

_STACKS = "tests/engine/stacks/"
_ORDER = (
    # Prod is refused while nothing is deployed; what changes a stack comes after what looks at it.
    f"{_STACKS}test_refusals.py",
    f"{_STACKS}test_stacks.py",
    f"{_STACKS}test_review.py",
    f"{_STACKS}test_read_only.py",
    f"{_STACKS}test_destroy.py",
    "tests/engine/test_examples.py",
    "tests/engine/",
    "tests/conformance/",
    "tests/policies/",
    "tests/unit/",
)
_SIGN_IN = ("tests/conformance/test_keycloak.py", "tests/conformance/test_litellm.py")
"""They ask one Keycloak."""
_EVERY_STACK = (
    "tests/unit/components/test_every_pod.py",
    "tests/unit/components/test_urns.py",
    "tests/unit/components/models/test_startup.py",
    "tests/unit/config/test_pods.py",
)
"""They look at every stack, deployed on mocks once (tests/urns.py)."""


def group(test: str) -> str:
    """The group of *test*, a pytest node id."""
    file, _, name = test.partition("::")
    parameter = name.partition("[")[2].rstrip("]")
    if file.startswith(_STACKS):
        stack = re.search(r"(?:^|-)(local|staging|prod)$", parameter)
        return f"{_STACKS}{stack[1] if stack else name}"
    if file == "tests/engine/test_examples.py":
        return f"{file}[{parameter}]"
    if file == "tests/engine/test_sim_lifecycle.py":
        return test  # each starts clusters of its own
    shared = (files[0] for files in (_SIGN_IN, _EVERY_STACK) if file in files)
    return next(shared, file)


def ordered(tests: Sequence[tuple[str, T]]) -> list[T]:
    """The tests, each given with its node id: groups whole, the long ones first."""
    groups: dict[str, list[tuple[int, T]]] = {}
    for test, item in tests:
        groups.setdefault(group(test), []).append((_rank(test), item))
    first = {name: min(rank for rank, _ in found) for name, found in groups.items()}
    return [
        item
        for name in sorted(groups, key=first.__getitem__)
        for _, item in sorted(groups[name], key=lambda found: found[0])
    ]


def _rank(test: str) -> int:
    return next((i for i, start in enumerate(_ORDER) if test.startswith(start)), len(_ORDER))


class GroupScheduling(LoadScopeScheduling):
    """Gives a worker one group after the other."""

    def _split_scope(self, nodeid: str) -> str:
        return group(nodeid)
