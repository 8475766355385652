"""Configuration of a pool for an existing GPU operator: ConfigMaps that its operands read."""

import pulumi_kubernetes as k8s
from pulumi import ComponentResource, ResourceOptions

from components.common.args import Args
from components.common.labels import labels
from components.gpu.device_plugin_config import as_yaml, mig_config, plugin_config
from sizing.sharing import Mig, Sharing


class OperatorConfigArgs(Args):
    """The configuration of one pool, in the operator's namespace."""

    namespace: str
    pool: str
    sharing: Sharing


class OperatorConfig(ComponentResource):
    """One key, named like the pool, which the node labels select (see config.node_labels).

    The operator's ClusterPolicy must refer to the ConfigMaps in `devicePlugin.config.name` and
    `migManager.config.name`, so their names are fixed: `<pool>-device-plugin` and `<pool>-mig`.
    """

    def __init__(
        self, name: str, args: OperatorConfigArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("private-ai:index:OperatorConfig", name, {}, opts)
        texts = {f"{args.pool}-device-plugin": {args.pool: as_yaml(plugin_config(args.sharing))}}
        if isinstance(args.sharing, Mig):
            # The MIG manager reads this key, which contains the layout of the pool.
            texts[f"{args.pool}-mig"] = {
                "config.yaml": as_yaml(mig_config(args.pool, args.sharing))
            }
        for config_map, data in texts.items():
            k8s.core.v1.ConfigMap(
                config_map,
                metadata={
                    "name": config_map,
                    "namespace": args.namespace,
                    "labels": labels("gpu-operator-config", name),
                },
                data=data,
                opts=ResourceOptions(parent=self),
            )
        self.register_outputs({})
