"""Reading logs of containers through the API server."""

from collections.abc import Iterator, Mapping
from queue import SimpleQueue
from threading import Thread
from typing import Any

import typer
from kubernetes import client
from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError

from base.problems import Problem
from cli.deployed import Deployed, require
from cli.errors import CommandError, UsageError
from cli.status_run import pods_of
from components.cluster_reader import ClusterReader

_TIMEOUT_SECONDS = 15
_Container = tuple[str, str, str]
"""Namespace, pod, container."""


def print_logs(part: str, stack: str, *, follow: bool, lines: int) -> None:
    """Print the last *lines* of each container of *part*, and what comes after if *follow*."""
    found = require(stack)
    if part not in found.parts:
        allowed = f"one of {', '.join(sorted(found.parts))}"
        raise UsageError(Problem("PART", part, allowed, "name one of these"))
    if found.simulated:
        raise _none(part, f"stack {stack}, on a simulated cluster: no container runs there")
    with found.reader() as reader:
        containers = list(_containers(found, reader, part))
        if not containers:
            raise _none(part, "no pods; it has none, or none is scheduled yet")
        api = client.CoreV1Api(reader.connection)
        failures = _print(api, containers, follow=follow, lines=lines)
    if len(failures) == len(containers):
        raise CommandError(*failures)


def _none(part: str, got: str) -> CommandError:
    allowed = "a part whose containers run"
    return CommandError(Problem(f"logs of {part}", got, allowed, "`pai status` says what runs"))


def _containers(found: Deployed, reader: ClusterReader, part: str) -> Iterator[_Container]:
    for pod in pods_of(found, reader).get(part, []):
        metadata: Mapping[str, Any] = pod["metadata"]
        for container in pod["spec"]["containers"]:
            yield metadata["namespace"], metadata["name"], container["name"]


def _print(
    api: client.CoreV1Api, containers: list[_Container], *, follow: bool, lines: int
) -> list[Problem]:
    """Print what all of them say, each line after its pod; return why some say nothing."""
    queue: SimpleQueue[str | Problem | None] = SimpleQueue()

    def read(container: _Container) -> None:
        namespace, pod, name = container
        try:
            stream = api.read_namespaced_pod_log(
                pod,
                namespace,
                container=name,
                follow=follow,
                tail_lines=lines,
                _preload_content=False,
                _request_timeout=None if follow else _TIMEOUT_SECONDS,
            )
            for line in _lines(stream):
                queue.put(f"{pod} {name}: {line}")
        except (ApiException, HTTPError, OSError) as error:
            got = getattr(error, "reason", None) or str(error)
            path = f"logs of {namespace}/{pod}, {name}"
            queue.put(Problem(path, str(got), "a log that may be read", "`pai status` says more"))
        finally:
            queue.put(None)

    for container in containers:
        Thread(target=read, args=[container], daemon=True).start()
    failures: list[Problem] = []
    left = len(containers)
    while left:
        match queue.get():
            case None:
                left -= 1
            case Problem() as problem:
                failures.append(problem)
            case line:
                typer.echo(line)
    return failures


def _lines(stream: Any) -> Iterator[str]:  # noqa: ANN401 - urllib3's response
    rest = b""
    for chunk in stream.stream(decode_content=False):
        *complete, rest = (rest + chunk).split(b"\n")
        yield from (line.decode(errors="replace") for line in complete)
    if rest:
        yield rest.decode(errors="replace")
