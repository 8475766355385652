"""The version that a program reports, and how versions sort."""

import re
import subprocess
from pathlib import Path

_NUMBER = re.compile(r"v?(\d+\.\d+\.\d+[-+.0-9A-Za-z]*)")
_TIMEOUT = 20.0
"""Seconds for a program to report its version; it takes under one."""


def reported_version(program: Path) -> str | None:
    """The version that *program* reports, without a leading `v`; None if it reports none.

    Plugins are started and queried over gRPC, as the engine does; other programs have a flag.
    """
    if program.name.startswith(("pulumi-resource-", "pulumi-language-")):
        return _plugin_version(program)
    arguments = ["version"] if program.name == "pulumi" else ["--version"]
    try:
        output = subprocess.run(  # noqa: S603 - no shell
            [program, *arguments], capture_output=True, text=True, timeout=_TIMEOUT, check=False
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = _NUMBER.search(output)
    return match[1] if match else None


def order(version: str) -> tuple[tuple[int, ...], bool, tuple[tuple[int, int, str], ...]]:
    """A semver sort key: pre-releases before the release, build metadata ignored."""
    core, _, pre = version.removeprefix("v").partition("+")[0].partition("-")
    identifiers = tuple(
        (0, int(word), "") if word.isdigit() else (1, 0, word) for word in pre.split(".") if word
    )
    return tuple(int(number) for number in core.split(".")), not pre, identifiers


def _plugin_version(program: Path) -> str | None:
    # Imported here: gRPC takes a second to load, and most commands need no plugin.
    import grpc  # type: ignore[import-untyped]  # noqa: PLC0415
    from google.protobuf import empty_pb2  # type: ignore[import-untyped]  # noqa: PLC0415
    from pulumi.runtime.proto import (  # noqa: PLC0415
        language_pb2_grpc,
        provider_pb2_grpc,
    )

    try:
        # No engine listens at this address; a plugin connects only to log its first message.
        process = subprocess.Popen(  # noqa: S603 - no shell
            [program, "127.0.0.1:1"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
    except OSError:
        return None
    with process:
        try:
            port = process.stdout.readline().strip() if process.stdout else ""
            if not port.isdigit():
                return None
            with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
                language = program.name.startswith("pulumi-language-")
                stub = (
                    language_pb2_grpc.LanguageRuntimeStub(channel)
                    if language
                    else provider_pb2_grpc.ResourceProviderStub(channel)
                )
                answer = stub.GetPluginInfo(empty_pb2.Empty(), timeout=_TIMEOUT)
            return str(answer.version).removeprefix("v") or None
        except grpc.RpcError:
            return None
        finally:
            process.kill()
