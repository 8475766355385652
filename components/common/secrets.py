"""Generated secrets: one owner each, in one Secret each, reaching a pod as files."""

from collections.abc import Mapping

import pulumi_kubernetes as k8s
from pulumi import Output, Resource, ResourceOptions
from pulumi_random import RandomPassword

from components.common.args import MaybeOutput
from components.common.labels import Labels


def password(owner: Resource, name: str, length: int = 32) -> Output[str]:
    """A random password of letters and digits: safe in URLs, INI and YAML without quoting.

    Keys are made so too: a RandomBytes has its bytes, in clear, as its ID in the state.
    """
    generated = RandomPassword(
        name, length=length, special=False, opts=ResourceOptions(parent=owner)
    )
    return Output.secret(generated.result)


def files(
    owner: Resource,
    name: str,
    namespace: MaybeOutput[str],
    labels: Labels,
    content: Mapping[str, MaybeOutput[str]],
) -> Output[str]:
    """A Secret with one key a file; returns its name, new with new content so that users roll."""
    secret = k8s.core.v1.Secret(
        name,
        metadata={"namespace": namespace, "labels": dict(labels)},
        string_data={file: Output.secret(text) for file, text in content.items()},
        opts=ResourceOptions(parent=owner),
    )
    return secret.metadata.name


def config(
    owner: Resource,
    name: str,
    namespace: MaybeOutput[str],
    labels: Labels,
    content: Mapping[str, MaybeOutput[str]],
) -> Output[str]:
    """A ConfigMap with one key a file (nothing secret); returns its name, new with new content."""
    config_map = k8s.core.v1.ConfigMap(
        name,
        metadata={"namespace": namespace, "labels": dict(labels)},
        data=dict(content),
        opts=ResourceOptions(parent=owner),
    )
    return config_map.metadata.name
