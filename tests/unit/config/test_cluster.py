"""What a stack may say about its cluster."""

from typing import Any

import pytest
from pydantic import ValidationError

from config.settings.cluster import ClusterConfig


def cluster(**changes: Any) -> dict[str, Any]:
    return {
        "context": "here",
        "identifier": "here",
        "nodes": [{"profile": "cpu-16", "count": 3}],
        "storage_classes": [{"name": "fast", "default": True}, {"name": "slow"}],
    } | changes


def test_a_cluster_of_nodes_and_storage_classes_is_enough() -> None:
    config = ClusterConfig.model_validate(cluster())
    assert config.operators == []
    assert config.storage_classes[0].binding == "WaitForFirstConsumer"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"nodes": []}, "at least 1 item"),
        ({"nodes": [{"profile": "9xh100", "count": 1}]}, "8xh100-80gb"),
        ({"nodes": [{"profile": "cpu-8", "count": 0}]}, "greater than or equal to 1"),
        (
            {"nodes": [{"profile": "cpu-8", "count": 1, "pool": "No Label"}]},
            "a letter first and no hyphen last",
        ),
        ({"nodes": [{"profile": "cpu-8", "count": 1, "zones": []}]}, "at least 1 item"),
        ({"storage_classes": [{"name": "a"}, {"name": "a"}]}, "names a more than once"),
        (
            {"storage_classes": [{"name": "a", "default": True}, {"name": "b", "default": True}]},
            "marks a and b as default",
        ),
        ({"operators": ["minio", "minio"]}, "name each operator once"),
        ({"operators": ["mysql"]}, "'minio', 'cloudnative-pg'"),
        ({"storage_class": []}, "Extra inputs are not permitted"),
    ],
)
def test_an_impossible_cluster_is_refused(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        ClusterConfig.model_validate(cluster(**changes))
