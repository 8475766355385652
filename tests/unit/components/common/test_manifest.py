"""What goes into custom resources is spelled as a controller would write it back."""

from components.common.manifest import manifest


def test_fields_are_named_as_the_api_names_them_and_keys_are_left_alone() -> None:
    typed = {
        "empty_dir": {"size_limit": "1024Mi"},
        "node_selector": {"private-ai.dev/gpu-pool": "h100"},
        "from_": ["a_b"],
    }

    assert manifest(typed) == {
        "emptyDir": {"sizeLimit": "1Gi"},
        "nodeSelector": {"private-ai.dev/gpu-pool": "h100"},
        "from": ["a_b"],
    }


def test_amounts_are_in_the_form_that_a_controller_writes_back() -> None:
    typed = {"resources": {"limits": {"memory": "81920Mi", "nvidia.com/gpu": 8}}}

    assert manifest(typed) == {"resources": {"limits": {"memory": "80Gi", "nvidia.com/gpu": 8}}}
