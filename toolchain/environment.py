"""The environment in which plain `pulumi` works: on the simulated cluster, or on a given one."""

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
"""The checkout: the folder of Pulumi.yaml."""

UNSET = ("PULUMI_CONFIG_PASSPHRASE",)
"""What has to go from the shell for the simulated cluster: it wins over the passphrase file."""

UNSET_FOR_REAL = (
    "PRIVATE_AI_PULUMI",
    "PRIVATE_AI_STACK_FILES",
    "PULUMI_FALLBACK_TO_STATE_SECRETS_MANAGER",
    "PULUMI_OPTION_PRESERVE_CONFIG",
)
"""What a `pai env` for the simulated cluster left in a shell that turns to a real one."""

_PACK = PROJECT / "policies" / "pack"


def exports(
    toolchain: Toolchain, kubeconfig: Path, *, simulated: bool, shell: Mapping[str, str]
) -> dict[str, str]:
    """The variables to set in a shell whose variables are *shell*.

    For the *simulated* cluster that includes a state folder and a passphrase of the machine's own,
    both made here at first. For a real one state and passphrase are the person's own: raises
    ToolchainError where *shell* names none.
    """
    exported = _common(toolchain, shell) | {"KUBECONFIG": str(kubeconfig.absolute())}
    if not simulated:
        _require_own_state(toolchain, shell)
        return exported
    exported["PULUMI_BACKEND_URL"] = f"file://{state.folder()}"
    exported["PULUMI_CONFIG_PASSPHRASE_FILE"] = str(_passphrase())
    # The stack files stay as they are; toolchain/bin/pulumi says how.
    exported["PRIVATE_AI_PULUMI"] = str(toolchain.path("pulumi"))
    exported["PRIVATE_AI_STACK_FILES"] = str(cache.root() / "stack-files")
    exported["PULUMI_FALLBACK_TO_STATE_SECRETS_MANAGER"] = "true"
    exported["PULUMI_OPTION_PRESERVE_CONFIG"] = "true"  # `stack rm` would delete the tracked file
    exported["PATH"] = os.pathsep.join([str(LAUNCHER), exported["PATH"]])
    return exported


def applied(exported: Mapping[str, str]) -> dict[str, str]:
    """Variables for a child process: those of this one, with *exported* over them."""
    return {k: v for k, v in os.environ.items() if k not in UNSET} | dict(exported)


def ensure_stacks(exported: Mapping[str, str], stacks: Sequence[str]) -> list[str]:
    """Create those of *stacks* that the state folder of *exported* does not know; returns them.

    Raises ToolchainError where the CLI refuses.
    """
    listed = json.loads(_pulumi(exported, "stack", "ls", "--json"))
    known = {entry["name"].rsplit("/", 1)[-1] for entry in listed}
    missing = [stack for stack in stacks if stack not in known]
    for stack in missing:
        _pulumi(exported, "stack", "init", stack, "--no-select")
    return missing


def _common(toolchain: Toolchain, shell: Mapping[str, str]) -> dict[str, str]:
    # The Python host runs whatever `python` comes first.
    path = [str(Path(sys.executable).parent)]
    exported = {"PULUMI_SKIP_UPDATE_CHECK": "true"}
    if toolchain.found is None:
        path.append(str(toolchain.home / "bin"))
        exported["PULUMI_HOME"] = str(toolchain.home)
        exported["PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"] = "true"
    if _PACK.exists():
        exported["PULUMI_OPTION_POLICY_PACK"] = str(_PACK)
    ours = {*path, str(LAUNCHER)}  # from a `pai env` before this one
    before = [folder for folder in shell.get("PATH", "").split(os.pathsep) if folder not in ours]
    exported["PATH"] = os.pathsep.join([*path, *before])
    return exported


def _passphrase() -> Path:
    """The file of the passphrase of every simulated stack: random, made once, the owner's only."""
    file = cache.root() / "passphrase"
    partial = file.with_name(f".{file.name}.{os.getpid()}")
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        made = os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(made, "w") as opened:
            opened.write(secrets.token_urlsafe(32))
        try:
            os.link(partial, file)  # unlike a rename, it never replaces the one of a faster run
        except FileExistsError:
            pass
        finally:
            partial.unlink()
    return file


def _require_own_state(toolchain: Toolchain, shell: Mapping[str, str]) -> None:
    change = "set it, then run `pai env --kubeconfig …` again"
    # `pulumi login` leaves its choice in the person's own PULUMI_HOME, which built parts replace.
    if not shell.get("PULUMI_BACKEND_URL") and toolchain.found is None:
        raise ToolchainError(
            Problem(
                path="PULUMI_BACKEND_URL",
                got="nothing",
                allowed="where the state of a real stack is kept, such as s3://…, azblob://… or file://…",
                change=change,
            )
        )
    if shell.get("PULUMI_BACKEND_URL", "").startswith(f"file://{cache.root()}"):
        raise ToolchainError(
            Problem(
                path="PULUMI_BACKEND_URL",
                got="the state of the simulated stacks",
                allowed="where the state of a real stack is kept",
                change=change,
            )
        )
    passphrase = {"PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE"} & shell.keys()
    service = shell.get("PULUMI_BACKEND_URL", "https://").startswith("https://")
    if not service and not passphrase and not _other_secrets_provider():
        raise ToolchainError(
            Problem(
                path="PULUMI_CONFIG_PASSPHRASE_FILE",
                got="nothing",
                allowed="a file with the stack's passphrase, or a `secretsprovider` in its YAML",
                change=change,
            )
        )
    if shell.get("PULUMI_CONFIG_PASSPHRASE_FILE") == str(cache.root() / "passphrase"):
        raise ToolchainError(
            Problem(
                path="PULUMI_CONFIG_PASSPHRASE_FILE",
                got="the passphrase of the simulated stacks",
                allowed="a passphrase of the real stack's own",
                change=change,
            )
        )


def _other_secrets_provider() -> bool:
    return any(
        line.startswith("secretsprovider:")
        for file in PROJECT.glob("Pulumi.*.yaml")
        for line in file.read_text().splitlines()
    )


def _pulumi(exported: Mapping[str, str], *words: str) -> str:
    """Run the real CLI beside the checkout: `stack init` in it would rewrite the stack's file."""
    folder = cache.root() / "stack-files"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "Pulumi.yaml").write_text((PROJECT / "Pulumi.yaml").read_text())
    done = subprocess.run(  # noqa: S603 - no shell
        [exported["PRIVATE_AI_PULUMI"], *words, "--non-interactive"],
        cwd=folder,
        env=applied(exported),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()
        raise ToolchainError(
            Problem(
                path=f"pulumi {' '.join(words)}",
                got=said[-1] if said else f"exit code {done.returncode}",
                allowed="the stacks of the simulated cluster listed and created",
                change=f"`pai toolchain doctor`; the state lies in {state.folder()}",
            )
        )
    return done.stdout
