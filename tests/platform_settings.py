"""Settings of a platform for tests that look at one of them."""

from typing import Any

from config.settings.platform import PlatformSettings


def platform_settings(**changes: Any) -> PlatformSettings:
    """What is required, and *changes*."""
    given = {
        "organization": "Test",
        "storage_class": "fast",
        "shared_storage_class": "shared",
        "api_server_cidrs": ["10.0.0.1/32"],
    }
    return PlatformSettings.model_validate(given | changes)
