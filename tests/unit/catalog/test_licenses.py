"""Every license is known by name, has a source, and the page says which bind."""

import pytest
import yaml

from catalog.images import images
from catalog.licenses import model_license, model_licenses
from catalog.licenses_reference import render
from catalog.load import UnknownEntryError
from catalog.models import models
from config.checks.advice import advice
from config.load import load
from tests.paths import ROOT


def test_every_model_is_under_a_license_of_the_table_and_every_license_has_a_model() -> None:
    assert {model.license for model in models().values()} == model_licenses().keys()


def test_a_license_that_is_not_in_the_table_is_an_error_that_names_the_nearest() -> None:
    with pytest.raises(UnknownEntryError, match="Did you mean 'MIT'"):
        model_license("MITT")


def test_the_page_is_the_one_of_the_catalog() -> None:
    page = (ROOT / "docs" / "reference" / "licenses.md").read_text(encoding="utf-8")
    assert page == render(), "run: make docs"


def test_what_binds_names_copyleft_and_branding() -> None:
    binding = render().partition("## Images")[0]

    for key, spec in images().items():
        if "GPL" in spec.license.id or key == "open-webui":
            assert f"image `{key}`" in binding


def test_a_model_that_its_license_may_forbid_is_told_by_config_check() -> None:
    raw = yaml.safe_load((ROOT / "Pulumi.prod.yaml").read_text())["config"]["private-ai:stack"]
    stack = load(raw, "prod")
    chat = stack.models["chat"].model_copy(update={"model": "mistral-large-2411"})
    changed = stack.model_copy(update={"models": {**stack.models, "chat": chat}})

    assert "docs/reference/licenses.md" not in str([str(each) for each in advice(stack)])
    [told] = [each for each in advice(changed) if "licenses.md" in each.change]
    assert told.path == "models.chat.model"
    assert "Mistral Research License" in told.got
    assert "commercial license" in told.allowed
