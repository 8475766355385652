"""What containers of the stack reserve that no setting changes; components build them from this.

Assumptions to measure, unless they say otherwise.
"""

from typing import Final

from base.quantity import Compute, Resources

_SMALL: Final = Resources.fixed("100m", "128Mi", "64Mi")

UNSTATED: Final = Resources(
    requests=_SMALL.requests, limits=Compute(cpu="500m", memory="512Mi", ephemeral_storage="1Gi")
)
"""What a container gets that states nothing, by the LimitRange of every tier: of those that
operators add, the sidecar of a MinIO server."""

# Jobs
FETCH: Final = Resources.of("500m", "256Mi", max_cpu="2", max_memory="1Gi")
"""Downloads the weights of one model."""
GRANT: Final = _SMALL
"""Creates a user of the object storage."""
COLLECTIONS: Final = _SMALL
"""Creates Qdrant's collections."""
MIGRATION: Final = Resources.of("500m", "1Gi", max_cpu="2", max_memory="2Gi")
"""Migrates Open WebUI's schema."""

# Beside servers and before them
KEYCLOAK_UNPACK: Final = _SMALL
VERIFY: Final = Resources.of("1", "128Mi", max_cpu="4", max_memory="512Mi")
"""Verifies weights before a model server starts."""
PREPARE: Final = Resources.of("500m", "512Mi", max_cpu="4", max_memory="4Gi")
"""Arranges files as an engine expects them."""
AUTH_PROXY: Final = Resources.of("100m", "64Mi", max_cpu="1", max_memory="256Mi")
"""In front of every engine but vLLM."""
KV_SIDECAR: Final = Resources.of("200m", "128Mi", max_cpu="2", max_memory="512Mi")
"""Fetches KV caches for a decode server."""

# Endpoint pickers; llm-d's chart reserves 8 cores and 8 GiB, for hundreds of servers.
PICKERS: Final = 2
"""Replicas: each keeps an index of its own; one would be a single point of failure."""
PICKER_PROXY: Final = Resources.of("500m", "256Mi", max_cpu="4", max_memory="1Gi")
PICKER: Final = Resources.of("1", "512Mi", max_cpu="8", max_memory="8Gi")

# On every node of a GPU pool
DEVICE_PLUGIN: Final = _SMALL
MIG_LAYOUT: Final = _SMALL
FEATURE_DISCOVERY: Final = Resources.fixed("50m", "128Mi", "64Mi")
MPS_MOUNT: Final = Resources.fixed("50m", "64Mi", "64Mi")
MPS_DAEMON: Final = Resources.of("100m", "256Mi", max_cpu="1", max_memory="1Gi")
DCGM_EXPORTER: Final = Resources.of("100m", "256Mi", max_cpu="500m", max_memory="1Gi")
