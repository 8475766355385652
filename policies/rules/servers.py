"""Recognize model servers by image or command line."""

import re
from collections.abc import Iterator

from policies.rules.model import UNKNOWN, Node, Resource
from policies.rules.pods import Container, Pod, pods
from policies.rules.reading import entries, get, mapping

_IMAGES = frozenset(
    {
        *("vllm-openai", "vllm", "sglang", "ollama", "llama.cpp", "tritonserver", "infinity"),
        *("text-generation-inference", "text-embeddings-inference", "speaches", "comfyui-boot"),
    }
)
"""Last path segment of the image repositories."""
_COMMANDS = ({"vllm", "serve"}, {"vllm.entrypoints.openai.api_server"}, {"ollama", "serve"})
GPU = re.compile(r"(nvidia\.com|amd\.com|gpu\.intel\.com)/.+")
"""Resource names of GPUs and GPU partitions."""


def program(image: Node) -> str:
    """Last path segment of the repository of *image*; empty if not known."""
    if not isinstance(image, str):
        return ""
    return image.partition("@")[0].rsplit("/", 1)[-1].partition(":")[0]


def words(container: Container) -> list[str]:
    """The known words of its command and args."""
    return [
        word
        for field in ("command", "args")
        for _, word in entries(container.spec, field)
        if isinstance(word, str)
    ]


def command_known(container: Container) -> bool:
    """Whether all words of its command and args are known."""
    for field in ("command", "args"):
        found = get(container.spec, field, default=[])
        if found is UNKNOWN or UNKNOWN in list(found):
            return False
    return True


def option(container: Container, *names: str) -> str | None:
    """Value of the first of the options *names*, as `--a=b` or `--a b`; None if none is set."""
    line = words(container)
    for i, word in enumerate(line):
        key, equals, value = word.partition("=")
        if key in names:
            return value if equals else line[i + 1] if i + 1 < len(line) else ""
    return None


def serves_model(container: Container) -> bool:
    """Whether it is a model server."""
    names = {word.rsplit("/", 1)[-1] for word in words(container)}
    known = program(get(container.spec, "image")) in _IMAGES
    return known or any(command <= names for command in _COMMANDS)


def model_servers(resource: Resource) -> Iterator[tuple[Pod, Container]]:
    """Model servers among the long-running containers of *resource*, with their pods."""
    if resource.kind in ("Job.batch", "CronJob.batch"):
        return
    for pod in pods(resource):
        for container in pod.containers(init=False):
            if serves_model(container):
                yield pod, container


def gpus(container: Container) -> dict[str, Node]:
    """Its GPU limits, by resource name."""
    limits = mapping(container.spec, "resources", "limits")
    return {name: count for name, count in limits.items() if GPU.fullmatch(name)}
