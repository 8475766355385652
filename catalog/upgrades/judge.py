"""Both tables, for one object before and after."""

from collections.abc import Mapping
from typing import Any

from catalog.upgrades.judge_fields import judge_fields
from catalog.upgrades.judge_versions import judge_versions
from catalog.upgrades.judgement import Judgement, Subject
from catalog.upgrades.table import kinds


def judge(
    kind: str, old: Mapping[str, Any], new: Mapping[str, Any], *, protected: bool
) -> list[Judgement]:
    """What will not happen as asked when an object of *kind* becomes *new*; *old* is deployed.

    Secrets and values that are not known yet are `differences.HIDDEN`. *protected*: whether Pulumi
    refuses to replace the object.
    """
    metadata = new.get("metadata")
    named = metadata if isinstance(metadata, Mapping) else {}
    subject = Subject(
        kind,
        *(text if isinstance(text := named.get(key), str) else "" for key in ("name", "namespace")),
    )
    fields = kinds().get(kind)
    found = list(judge_fields(fields, subject, old, new, protected=protected)) if fields else []
    return [*found, *judge_versions(subject, old, new)]
