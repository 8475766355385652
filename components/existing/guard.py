"""What ends the program if the cluster has what is not the stack's, before anything changes."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress

import pulumi
import pulumi_kubernetes as k8s
from pulumi import Output
from pulumi.runtime.mocks import MockMonitor
from pulumi.runtime.settings import get_monitor

from base.problems import ConfigError, Problem
from components.cluster_reader import UnreadableError, reading
from components.existing.find import find
from components.existing.named_objects import FixedNames
from components.existing.namespaces import takeovers, unknown_to_state
from components.existing.reader import Permitted
from config.settings.platform import TierName
from config.stack import StackConfig


def unclaimed_context(stack: StackConfig, names: FixedNames) -> Output[str]:
    """The context of the cluster of *stack*, known once nothing there is of others that it needs.

    The SDK constructs every resource of a program before it registers the first, so that *names*
    are complete by then (pulumi 3.256.0, pulumi/runtime/stack.py:139-145). Fails with RunError,
    which Pulumi shows without a traceback, with all problems. Without a cluster that answers, the
    provider reports that; a preview without one goes on.
    """
    context = stack.cluster.context
    if isinstance(get_monitor(), MockMonitor):
        return Output.from_input(context)
    name, kubeconfig = pulumi.get_stack(), pulumi.Config().get("kubeconfig")

    def read() -> tuple[list[Problem], list[str], list[str]]:
        with reading(context, kubeconfig) as reader:
            cluster = Permitted(reader)
            problems = find(cluster, stack, name, names.found)
            taken = list(takeovers(cluster, stack.platform, name))
            return problems, taken, sorted(set(cluster.hidden))

    async def look() -> str:
        try:
            problems, taken, hidden = await asyncio.to_thread(read)
        except UnreadableError as error:
            pulumi.warn(f"Whether its names are somebody else's was not found out: {error}")
            return context
        if hidden:
            pulumi.warn(f"Whose these are was not found out, they may not be read: {hidden}")
        _refuse(problems)
        for each in taken:
            pulumi.warn(each)
        return context

    return Output.from_input(look())


def refuse_unknown_to_state(
    stack: StackConfig, namespaces: Mapping[TierName, k8s.core.v1.Namespace]
) -> None:
    """Fail a preview that would create *namespaces* which a stack of this name has created.

    Its state is lost, or in another backend: new passwords would lock the old data.
    """
    if not pulumi.runtime.is_dry_run() or isinstance(get_monitor(), MockMonitor):
        return
    name, kubeconfig = pulumi.get_stack(), pulumi.Config().get("kubeconfig")

    def read(tiers: list[TierName]) -> list[Problem]:
        with reading(stack.cluster.context, kubeconfig) as cluster:
            return list(unknown_to_state(cluster, stack.platform, name, tiers))

    async def look() -> None:
        # A preview knows the identifiers of what the state has, and of nothing else.
        missing = [tier for tier, each in namespaces.items() if not await each.id.is_known()]
        with suppress(UnreadableError):  # unclaimed_context says so
            _refuse(await asyncio.to_thread(read, missing) if missing else [])

    Output.from_input(look())


def _refuse(problems: list[Problem]) -> None:
    if problems:
        raise pulumi.RunError(str(ConfigError(pulumi.get_stack(), problems)))
