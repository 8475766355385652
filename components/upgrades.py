"""Updates that a part or the API server will not make, refused before the provider sends them.

A hook of the engine: it is given the inputs that are deployed and the new ones, in `pulumi preview`
and in `pulumi up`. The tables and what they say are `catalog.upgrades`.
"""

import os
from collections.abc import Mapping
from typing import Any

import pulumi
from pulumi import (
    Output,
    ResourceHook,
    ResourceHookArgs,
    ResourceHookBinding,
    ResourceHookOptions,
    ResourceOptions,
    ResourceTransformationArgs,
    ResourceTransformationResult,
)
from pulumi.output import Unknown
from pulumi.runtime.mocks import MockMonitor
from pulumi.runtime.rpc import is_rpc_secret
from pulumi.runtime.settings import get_monitor

from catalog.upgrades import REPORTED
from catalog.upgrades.differences import HIDDEN
from catalog.upgrades.judge import judge
from catalog.upgrades.table import parts

_DEPLOYMENT = "kubernetes:apps/v1:Deployment"
_KINDS: Mapping[str, str] = {
    "kubernetes:apps/v1:StatefulSet": "StatefulSet.apps",
    "kubernetes:core/v1:PersistentVolumeClaim": "PersistentVolumeClaim",
    "kubernetes:postgresql.cnpg.io/v1:Cluster": "Cluster.postgresql.cnpg.io",
    "kubernetes:minio.min.io/v2:Tenant": "Tenant.minio.min.io",
    _DEPLOYMENT: "Deployment.apps",
}
"""Kinds, as in the tables, of the types that may keep data."""


class RefusedUpdateError(Exception):
    """An update is refused; the text has the four parts and the steps that work."""


def refuse_upgrades(*, disposable: bool) -> None:
    """Judge every update of what keeps data, from now on; nothing in *disposable* stacks.

    Pulumi writes the name of the hook into the state, so only such objects have it.
    """
    if disposable or isinstance(get_monitor(), MockMonitor):
        return
    options = ResourceHookOptions(on_dry_run=True, ignore_errors=REPORTED in os.environ)
    hook = ResourceHook("upgrades", check, options)

    def bind(args: ResourceTransformationArgs) -> ResourceTransformationResult | None:
        if not judged(args.type_, args.opts):
            return None
        bound = ResourceOptions(hooks=ResourceHookBinding(before_update=[hook]))
        return ResourceTransformationResult(args.props, ResourceOptions.merge(args.opts, bound))

    pulumi.runtime.register_stack_transformation(bind)


def check(args: ResourceHookArgs) -> None:
    """Raise RefusedUpdateError for an update that is refused; warn of steps that one needs."""
    found = judge(
        _KINDS[args.type],
        _visible(args.old_inputs or {}),
        _visible(args.new_inputs or {}),
        protected=True,  # or it would be replaced, and not updated
    )
    for each in found:
        if each.effect == "steps":
            pulumi.warn(str(each))
    refused = [str(each) for each in found if each.effect == "refused"]
    if refused:
        raise RefusedUpdateError("\n\n".join(refused))


def judged(type_: str, opts: ResourceOptions) -> bool:
    """Whether updates of it are judged: it holds data, or runs a part whose versions have steps."""
    if type_ == _DEPLOYMENT:
        part = parts().get(str(getattr(opts.parent, "kind", "")))
        return part is not None and part.rules
    return type_ in _KINDS


def _visible(value: Any) -> Any:  # noqa: ANN401 - JSON
    """*value* with a mark for what is secret or not known yet."""
    if is_rpc_secret(value):
        return HIDDEN
    if isinstance(value, Mapping):
        return {key: _visible(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_visible(item) for item in value]
    return HIDDEN if isinstance(value, (Output, Unknown)) else value
