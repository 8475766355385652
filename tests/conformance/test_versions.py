"""What is proved here is proved of the versions that are deployed."""

import pytest

from catalog.images import image_spec
from tests.conformance.peers import keycloak, litellm, ollama, open_webui, vllm


@pytest.mark.parametrize(
    ("image", "tag"),
    [
        ("vllm", f"v{vllm.VERSION}"),
        ("keycloak", keycloak.VERSION),
        ("litellm", f"v{litellm.VERSION}"),
        ("open-webui", f"v{open_webui.VERSION}"),
        ("ollama", ollama.VERSION),
    ],
)
def test_the_peer_is_of_the_version_that_the_catalog_deploys(image: str, tag: str) -> None:
    assert image_spec(image).tag == tag
