"""The environment for simulated clusters, with a state backend of their own."""

import os
from collections.abc import Sequence
from pathlib import Path

from kubernetes import client, config
from rich.console import Console

from sim import cluster
from sim.stacks import cluster_of, is_disposable
from toolchain import environment, state
from toolchain.locate import Toolchain


def simulated(
    toolchain: Toolchain, stacks: Sequence[str], console: Console, config_file: Path | None = None
) -> dict[str, str]:
    """Start the simulated clusters of *stacks*; return the variables to deploy to them.

    Each stack is read from Pulumi.<stack>.yaml; *config_file* replaces that of a single stack.
    """
    for stack in stacks:
        _start_over_if_killed(stack, config_file, console)
    kubeconfig = cluster.ensure_running(list(stacks), console, config_file)
    exported = environment.exports(toolchain, kubeconfig, simulated=True, env=os.environ)
    for stack in stacks:
        context = cluster_of(stack, config_file).context
        state.bind(stack, _identity(str(kubeconfig), context))
    environment.ensure_stacks(exported, stacks)
    return exported


def _start_over_if_killed(stack: str, config_file: Path | None, console: Console) -> None:
    """Empty the cluster of a disposable stack whose last update was killed; unlock another one.

    The state of a disposable stack is saved at the end of an update only (toolchain/bin/pulumi),
    so what the killed one created is in the cluster and not in the state.
    """
    if not state.interrupted(stack):
        return
    if not is_disposable(stack, config_file):
        console.print(
            f"The last update of {stack} was killed: its lock is removed, and this one goes on"
            " from what it had saved.",
            highlight=False,
        )
        state.release(stack)
    else:
        console.print(
            f"The last update of {stack} was killed before its state was saved:"
            " starting over on an empty cluster.",
            highlight=False,
        )
        cluster.down([stack])
        state.forget(stack)


def _identity(kubeconfig: str, context: str) -> str:
    """The identity of a cluster: the UID of its namespace kube-system, new after every reset."""
    with config.new_client_from_config(kubeconfig, context) as connection:
        namespace = client.CoreV1Api(connection).read_namespace("kube-system")
    return str(namespace.metadata and namespace.metadata.uid)
