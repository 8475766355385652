"""Keys of pools, models, teams and adapters: names from which the program makes longer ones.

Each length is what the longest name made of it leaves of Kubernetes' limit. The tests deploy a
stack with the longest keys, on mocks, and check every name.
"""

from typing import Annotated, Final

from base.names import AUTO, LONGEST_LABEL, label, service
from base.words import Words

LONGEST_POOL: Final = 40
"""Cluster API's machines `<pool>-01234567-abcde-fghij` are hosts of 63 characters at most."""

_HPA: Final = len(f"keda-hpa--autoscaler{AUTO}")
"""KEDA labels what scales a model with the name of its HorizontalPodAutoscaler."""

LONGEST_MODEL: Final = LONGEST_LABEL - _HPA

_FETCH: Final = len(f"-adapter--weights-fetch{AUTO}")
LONGEST_WITH_ADAPTER: Final = LONGEST_LABEL - _FETCH
"""Characters of a model and of its adapter together: of the Job that downloads the adapter."""

LONGEST_TEAM: Final = LONGEST_LABEL - len(f"team--api-key{AUTO}")

_MODEL = service(LONGEST_MODEL)

PoolName = Annotated[str, service(LONGEST_POOL)]
"""Key of a pool, and value of its nodes' label."""
ModelName = Annotated[str, _MODEL]
"""Key of a model: its Service, and the name in requests."""
AdapterName = Annotated[str, label(LONGEST_WITH_ADAPTER - 1)]
"""Key of an adapter: the name in requests."""
TeamName = Annotated[str, label(LONGEST_TEAM)]
"""Key of a team: its group in the realm, its consumer at the gateway, its Secret."""

ServedName = Annotated[str, label(LONGEST_LABEL)]
"""A model or an adapter, where one is chosen; that there is one is checked with the whole stack."""

FileName = Annotated[
    str,
    Words(
        r"(?![^\x00]*(^|/)\.\.?(/|$))[^/\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*(?<!/)",
        "a path in the repository, such as model.safetensors, without . and ..",
        400,
    ),
]
"""Name of a file of a repository of weights."""
