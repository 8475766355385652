"""What a program says that it is."""

import re
import subprocess
from pathlib import Path

_NUMBER = re.compile(r"v?(\d+\.\d+\.\d+[-+.0-9A-Za-z]*)")
_PATIENCE = 20.0
"""Seconds for a program to say its version; they take under one."""


def ask(program: Path) -> str | None:
    """The version that *program* reports, without a leading `v`; None where it reports none.

    Plugins are started and asked over gRPC, as the engine does it; the rest by their flag.
    """
    if program.name.startswith(("pulumi-resource-", "pulumi-language-")):
        return _ask_plugin(program)
    words = ["version"] if program.name == "pulumi" else ["--version"]
    try:
        said = subprocess.run(  # noqa: S603 - no shell
            [program, *words], capture_output=True, text=True, timeout=_PATIENCE, check=False
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = _NUMBER.search(said)
    return match[1] if match else None


def order(version: str) -> tuple[tuple[int, ...], bool, tuple[tuple[int, int, str], ...]]:
    """A key that sorts versions as semver does: a pre-release before its release, no build."""
    core, _, pre = version.removeprefix("v").partition("+")[0].partition("-")
    identifiers = tuple(
        (0, int(word), "") if word.isdigit() else (1, 0, word) for word in pre.split(".") if word
    )
    return tuple(int(number) for number in core.split(".")), not pre, identifiers


def _ask_plugin(program: Path) -> str | None:
    # Imported here: gRPC takes a second to load, and most commands ask no plugin.
    import grpc  # type: ignore[import-untyped]  # noqa: PLC0415
    from google.protobuf import empty_pb2  # type: ignore[import-untyped]  # noqa: PLC0415
    from pulumi.runtime.proto import (  # noqa: PLC0415
        language_pb2_grpc,
        provider_pb2_grpc,
    )

    try:
        # No engine listens at the address; a plugin dials it when it first has something to say.
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
                answer = stub.GetPluginInfo(empty_pb2.Empty(), timeout=_PATIENCE)
            return str(answer.version).removeprefix("v") or None
        except grpc.RpcError:
            return None
        finally:
            process.kill()
