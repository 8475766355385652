"""The environment in which plain `pulumi` works, on a simulated or a given cluster."""

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from base.problems import Problem
from toolchain import cache, state
from toolchain.errors import ToolchainError
from toolchain.existing import LAUNCHER
from toolchain.locate import Toolchain

PROJECT = Path(__file__).resolve().parents[1]
"""The folder of Pulumi.yaml."""

UNSET = ("PULUMI_CONFIG_PASSPHRASE",)
"""Variables to unset for the simulated cluster: they override the passphrase file."""

UNSET_FOR_REAL = (
    "PRIVATE_AI_PULUMI",
    "PRIVATE_AI_STACK_FILES",
    "PULUMI_FALLBACK_TO_STATE_SECRETS_MANAGER",
    "PULUMI_OPTION_PRESERVE_CONFIG",
)
"""Variables to unset for a real cluster: an earlier `pai env` set them."""

_PACK = PROJECT / "policies" / "pack"


def exports(
    toolchain: Toolchain, kubeconfig: Path, *, simulated: bool, env: Mapping[str, str]
) -> dict[str, str]:
    """The variables to set on top of *env*.

    For the *simulated* cluster they include a state folder and a passphrase for this machine, both
    created on first use. For a real cluster, raises ToolchainError unless *env* already names a
    state backend and a passphrase.
    """
    exported = _common(toolchain, env) | {"KUBECONFIG": str(kubeconfig.absolute())}
    if not simulated:
        _require_own_state(toolchain, env)
        return exported
    exported["PULUMI_BACKEND_URL"] = f"file://{state.folder()}"
    exported["PULUMI_CONFIG_PASSPHRASE_FILE"] = str(_passphrase())
    # toolchain/bin/pulumi keeps the stack files unchanged.
    exported["PRIVATE_AI_PULUMI"] = str(toolchain.path("pulumi"))
    exported["PRIVATE_AI_STACK_FILES"] = str(cache.root() / "stack-files")
    exported["PULUMI_FALLBACK_TO_STATE_SECRETS_MANAGER"] = "true"
    exported["PULUMI_OPTION_PRESERVE_CONFIG"] = "true"  # `stack rm` would delete the tracked file
    exported["PATH"] = os.pathsep.join([str(LAUNCHER), exported["PATH"]])
    return exported


def applied(exported: Mapping[str, str]) -> dict[str, str]:
    """The environment of a child process: this one's, updated with *exported*."""
    return {k: v for k, v in os.environ.items() if k not in UNSET} | dict(exported)


def ensure_stacks(exported: Mapping[str, str], stacks: Sequence[str]) -> list[str]:
    """Create the *stacks* that the state folder of *exported* does not have; return them.

    Raises ToolchainError if the CLI fails.
    """
    listed = json.loads(_pulumi(exported, "stack", "ls", "--json"))
    known = {entry["name"].rsplit("/", 1)[-1] for entry in listed}
    missing = [stack for stack in stacks if stack not in known]
    for stack in missing:
        _pulumi(exported, "stack", "init", stack, "--no-select")
    return missing


def _common(toolchain: Toolchain, env: Mapping[str, str]) -> dict[str, str]:
    # The Python host runs the first `python` on PATH.
    path = [str(Path(sys.executable).parent)]
    exported = {"PULUMI_SKIP_UPDATE_CHECK": "true"}
    if toolchain.existing is None:
        path.append(str(toolchain.home / "bin"))
        exported["PULUMI_HOME"] = str(toolchain.home)
        exported["PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"] = "true"
    if _PACK.exists():
        exported["PULUMI_OPTION_POLICY_PACK"] = str(_PACK)
    ours = {*path, str(LAUNCHER)}  # from a `pai env` before this one
    before = [folder for folder in env.get("PATH", "").split(os.pathsep) if folder not in ours]
    exported["PATH"] = os.pathsep.join([*path, *before])
    return exported


def _passphrase() -> Path:
    """The passphrase file of all simulated stacks: random, created once, mode 0600."""
    file = cache.root() / "passphrase"
    partial = file.with_name(f".{file.name}.{os.getpid()}")
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(descriptor, "w") as opened:
            opened.write(secrets.token_urlsafe(32))
        try:
            os.link(partial, file)  # unlike a rename, never replaces the file of a faster run
        except FileExistsError:
            pass
        finally:
            partial.unlink()
    return file


def _require_own_state(toolchain: Toolchain, env: Mapping[str, str]) -> None:
    change = "set it, then run `pai env --kubeconfig …` again"
    # `pulumi login` stores its choice in the user's PULUMI_HOME, which built parts replace.
    if not env.get("PULUMI_BACKEND_URL") and toolchain.existing is None:
        raise ToolchainError(
            Problem(
                path="PULUMI_BACKEND_URL",
                got="nothing",
                allowed="the state backend of the real stack, such as s3://…, azblob://… or file://…",
                change=change,
            )
        )
    if env.get("PULUMI_BACKEND_URL", "").startswith(f"file://{cache.root()}"):
        raise ToolchainError(
            Problem(
                path="PULUMI_BACKEND_URL",
                got="the state of the simulated stacks",
                allowed="the state backend of the real stack",
                change=change,
            )
        )
    passphrase = {"PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE"} & env.keys()
    service = env.get("PULUMI_BACKEND_URL", "https://").startswith("https://")
    if not service and not passphrase and not _other_secrets_provider():
        raise ToolchainError(
            Problem(
                path="PULUMI_CONFIG_PASSPHRASE_FILE",
                got="nothing",
                allowed="a file with the stack's passphrase, or a `secretsprovider` in its YAML",
                change=change,
            )
        )
    if env.get("PULUMI_CONFIG_PASSPHRASE_FILE") == str(cache.root() / "passphrase"):
        raise ToolchainError(
            Problem(
                path="PULUMI_CONFIG_PASSPHRASE_FILE",
                got="the passphrase of the simulated stacks",
                allowed="the passphrase of the real stack",
                change=change,
            )
        )


def _other_secrets_provider() -> bool:
    return any(
        line.startswith("secretsprovider:")
        for file in PROJECT.glob("Pulumi.*.yaml")
        for line in file.read_text().splitlines()
    )


def _pulumi(exported: Mapping[str, str], *arguments: str) -> str:
    """Run the real CLI outside the checkout, where `stack init` would rewrite the stack's file."""
    folder = cache.root() / "stack-files"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "Pulumi.yaml").write_text((PROJECT / "Pulumi.yaml").read_text())
    done = subprocess.run(  # noqa: S603 - no shell
        [exported["PRIVATE_AI_PULUMI"], *arguments, "--non-interactive"],
        cwd=folder,
        env=applied(exported),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        lines = (done.stderr.strip() or done.stdout.strip()).splitlines()
        raise ToolchainError(
            Problem(
                path=f"pulumi {' '.join(arguments)}",
                got=lines[-1] if lines else f"exit code {done.returncode}",
                allowed="the stacks of the simulated cluster listed and created",
                change=f"run `pai toolchain doctor`; the state is in {state.folder()}",
            )
        )
    return done.stdout
