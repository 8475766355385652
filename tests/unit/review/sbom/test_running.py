"""What runs: the images that the resources name, and the weights that they load."""

import pytest

from catalog.images import image, image_spec, images
from config.load import load
from config.stack import StackConfig
from review.render import PlannedResource, Render
from review.sbom.document import Item
from review.sbom.running import image_items, model_items, operator_items
from tests.unit.config.test_hub_access import prod

DIGEST = "ab" * 32


def rendered(*references: str) -> Render:
    pod = {"spec": {"containers": [{"image": reference} for reference in references]}}
    resource = PlannedResource(type="t", urn="u", custom=True, parent="", inputs={"template": pod})
    return Render(stack="prod", resources=[resource], outputs={})


def named(items: list[Item]) -> dict[str, Item]:
    return {item.name: item for item in items}


@pytest.mark.parametrize("prefix", ["", "registry.test/mirror"])
def test_an_image_has_its_license_wherever_it_is_pulled_from(prefix: str) -> None:
    [item] = image_items(rendered(image("grafana", prefix)), prefix)

    assert item.license == "AGPL-3.0-only"
    assert item.sha256 == [image_spec("grafana").digest.removeprefix("sha256:")]
    assert item.name.startswith(prefix or "docker.io/")
    assert ("upstream" in item.properties) == bool(prefix)


def test_an_image_that_is_named_twice_is_there_once_and_one_without_a_digest_says_so() -> None:
    reference = "registry.test/ours:1"
    [item] = image_items(rendered(reference, reference), "")

    assert (item.license, item.sha256) == ("NOASSERTION", [])
    assert "pai images lock" in item.properties["digest"]


def test_a_database_of_an_operator_is_an_image_too() -> None:
    resource = PlannedResource(
        type="t", urn="u", custom=True, parent="", inputs={"spec": {"imageName": "r.test/pg:17"}}
    )
    [item] = image_items(Render(stack="s", resources=[resource], outputs={}), "")

    assert item.name == "r.test/pg"


def stack(**chat: object) -> StackConfig:
    return load(prod(**chat), "prod")


def test_a_model_has_commit_license_and_what_binds() -> None:
    item = named(list(model_items(stack())))["RedHatAI/Llama-3.3-70B-Instruct-FP8-dynamic"]

    assert item.version == "f50dbad2c84590ca17dc51e207c34321b65ff14b"
    assert item.license == "LicenseRef-Llama-3.3-Community"
    assert "acceptable use policy" in item.properties["binds"]


def test_the_files_of_a_model_have_the_hashes_that_the_stack_demands() -> None:
    item = next(model_items(stack(sha256={"model.safetensors": DIGEST})))

    assert [(part.name, part.sha256) for part in item.parts] == [("model.safetensors", [DIGEST])]
    assert "files" not in item.properties


def test_the_operators_that_the_cluster_must_have_are_named() -> None:
    assert {item.name for item in operator_items(stack())} >= {"minio", "cloudnative-pg"}


def test_every_image_says_where_its_license_was_read() -> None:
    assert all(spec.license.source for spec in images().values())
