"""The parts of the toolchain: the source and the exact version of each.

The pins are the go.mod and go.sum files under `toolchain/go`. A part is rebuilt when they, the
sources beside them, or its entry here change.
"""

import hashlib
from functools import cached_property
from pathlib import Path
from typing import Literal

from base.model import Model

MODULES = Path(__file__).parent / "go"
"""The folder of the pinned Go modules."""

Group = Literal["cluster", "pulumi", "leader-worker-set", "keda", "kubectl"]
"""Parts that are built together: the simulated control plane, Pulumi, one group per controller
(built only for stacks whose `cluster.operators` names it), and kubectl (for `make bench`)."""

_KUBERNETES = "v1.36.3"
_PULUMI = "v3.256.0"
_LWS = "v0.8.0"
_KEDA = "v2.18.0"


class Part(Model):
    """A program built from a pinned Go module."""

    name: str
    """Name of the program."""
    group: Group
    module: str
    """Folder of its go.mod, under `toolchain/go`."""
    package: str
    """Go package of its `main`, within that module."""
    version: str
    """Exact version. For a plugin, that of the SDK it serves, because the engine compares the two;
    the Terraform provider follows as build metadata."""
    stamp: tuple[str, ...] = ()
    """Go variables set to the version at link time."""
    constants: tuple[str, ...] = ()
    """Other Go variables set at link time, as `variable=value`."""
    sdk: str | None = None
    """For a resource plugin: the Python SDK that it serves."""
    mute: bool = False
    """Whether the program cannot report its version."""
    note: str = ""
    """Limitations of the part, for its users."""
    license: str = "Apache-2.0"
    """SPDX expression; of the LICENSE in its Go module, and in those that it is a shell around."""

    @cached_property
    def key(self) -> str:
        """Cache key: 12 hex digits that change with every input of the build."""
        return _digest(
            MODULES / self.module,
            self.model_dump_json(exclude={"note", "group", "mute", "license"}),
        )

    @property
    def link_flags(self) -> str:
        """The `-ldflags` of the build: strip symbols, stamp versions."""
        stamped = [f"{variable}={self.version}" for variable in self.stamp]
        return " ".join(["-s", "-w", *(f"-X {entry}" for entry in [*stamped, *self.constants])])


class Data(Model):
    """Files of a Go module that are used without building."""

    name: str
    group: Group
    module: str
    """Folder of the go.mod that pins it, under `toolchain/go`."""
    path: str
    """Go module path."""
    version: str
    keep: tuple[str, ...]
    """Files and folders to copy, relative to the module."""

    @cached_property
    def key(self) -> str:
        """Cache key: 12 hex digits that change with every copied file."""
        return _digest(MODULES / self.module, self.model_dump_json(exclude={"group"}))


def _kubernetes(name: str, group: Group = "cluster", *, mute: bool = False) -> Part:
    """A program of Kubernetes, from the module that is called like its group."""
    packages = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
    major, minor, _ = _KUBERNETES.removeprefix("v").split(".")
    return Part(
        name=name,
        group=group,
        module=group,
        package=f"k8s.io/kubernetes/cmd/{name}",
        version=_KUBERNETES,
        stamp=tuple(f"{package}.gitVersion" for package in packages),
        constants=tuple(
            f"{package}.{variable}"
            for package in packages
            # "archive" is Kubernetes' term for a source tree that is not a git checkout.
            for variable in (f"gitMajor={major}", f"gitMinor={minor}", "gitTreeState=archive")
        ),
        mute=mute,
    )


def _keda(name: str, command: str) -> Part:
    return Part(
        name=name,
        group="keda",
        module="keda",
        package=f"github.com/kedacore/keda/v2/cmd/{command}",
        version=_KEDA,
        stamp=("github.com/kedacore/keda/v2/version.Version",),
        mute=True,
    )


PARTS: tuple[Part, ...] = (
    _kubernetes("kube-apiserver"),
    Part(
        name="etcd",
        group="cluster",
        module="cluster",  # Kubernetes pins the same version and the same dependencies
        package="go.etcd.io/etcd/server/v3",
        version="v3.6.8",  # a constant of the module, nothing to stamp
    ),
    _kubernetes("kube-controller-manager"),
    _kubernetes("kube-scheduler"),
    Part(
        name="kwok",
        group="cluster",
        module="kwok",  # separate: it would change 16 dependencies of Kubernetes
        package="sigs.k8s.io/kwok/cmd/kwok",
        version="v0.8.0",  # a constant of the module, nothing to stamp
    ),
    Part(
        name="lws",
        group="leader-worker-set",
        module="lws",
        package="sigs.k8s.io/lws/cmd",
        version=_LWS,
        stamp=("sigs.k8s.io/lws/pkg/version.GitVersion",),
    ),
    _kubernetes("kubectl", group="kubectl", mute=True),  # `version` is a command of it
    _keda("keda", "operator"),
    _keda("keda-adapter", "adapter"),
    Part(
        name="pulumi",
        group="pulumi",
        module="pulumi",
        package="github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
        version=_PULUMI,
        stamp=("github.com/pulumi/pulumi/sdk/v3/go/common/version.Version",),
    ),
    Part(
        name="pulumi-language-python",
        group="pulumi",
        module="language-python",
        package="github.com/pulumi/pulumi/sdk/v3/python/cmd/pulumi-language-python",
        version="v3.79.0",
        stamp=("github.com/pulumi/pulumi/sdk/v3/go/common/version.Version",),
        note="the last version that Go proxies serve; it takes python from PATH, and needs"
        " an executable file as policy pack",
    ),
    Part(
        name="pulumi-resource-kubernetes",
        group="pulumi",
        module="provider-kubernetes",
        package=".",
        # Pseudo-version of the first commit after v4.24.0 that Go proxies serve.
        version="4.24.1-0.20260115033456-f47bc2d6f199",
        stamp=("github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/version.Version",),
        sdk="pulumi-kubernetes",
        note="without the package schema: `pulumi import` does not fill in inputs",
    ),
    Part(
        name="pulumi-resource-random",
        group="pulumi",
        module="providers-terraform",
        package="./random",
        version="4.21.4+terraform-provider-random.3.9.1-0.20260513075824-f8d869dc98d9",
        stamp=("main.version",),
        sdk="pulumi-random",
        note="the id of RandomBytes is a fingerprint, not the bytes",
        license="Apache-2.0 AND MPL-2.0",
    ),
    Part(
        name="pulumi-resource-tls",
        group="pulumi",
        module="providers-terraform",
        package="./tls",
        # pulumi-tls 5.2.3 has, property for property, the resources of this Terraform provider;
        # 5.3 adds maxPathLength and later ones write-only keys, which it does not know.
        version="5.2.3+terraform-provider-tls.4.0.5-0.20230117062332-afdd54107aba",
        stamp=("main.version",),
        sdk="pulumi-tls",
        license="Apache-2.0 AND MPL-2.0",
    ),
)

DATA: tuple[Data, ...] = (
    Data(
        name="kwok",
        group="cluster",
        module="kwok",
        path="sigs.k8s.io/kwok",
        version="v0.8.0",
        keep=("kustomize/stage", "kustomize/crd"),
    ),
    Data(
        name="cloudnative-pg",
        group="cluster",
        module="crds",
        path="github.com/cloudnative-pg/cloudnative-pg",
        version="v1.27.0",
        keep=("config/crd/bases",),
    ),
    Data(
        name="karpenter",
        group="cluster",
        module="crds",
        path="sigs.k8s.io/karpenter",
        version="v1.8.0",  # the last that builds with Go 1.26.0; later ones need its patch releases
        keep=("pkg/apis/crds",),
    ),
    Data(
        name="cluster-api",
        group="cluster",
        module="crds",
        path="sigs.k8s.io/cluster-api",
        version="v1.12.0",
        keep=("config/crd/bases", "bootstrap/kubeadm/config/crd/bases"),
    ),
    Data(
        name="inference-extension",
        group="cluster",
        module="crds",
        path="sigs.k8s.io/gateway-api-inference-extension",
        version="v1.2.0",
        keep=("config/crd/bases",),
    ),
    Data(
        name="leader-worker-set",
        group="leader-worker-set",
        module="lws",
        path="sigs.k8s.io/lws",
        version=_LWS,
        keep=("config/crd/bases", "config/webhook"),
    ),
    Data(
        name="keda",
        group="keda",
        module="keda",
        path="github.com/kedacore/keda/v2",
        version=_KEDA,
        keep=("config/crd/bases", "config/metrics-server"),
    ),
    Data(
        name="pulumi-language-python-exec",
        group="pulumi",
        module="pulumi",
        path="github.com/pulumi/pulumi/sdk/v3",
        version=_PULUMI,
        keep=("python/cmd/pulumi-language-python-exec",),
    ),
)


def go_version() -> tuple[int, ...]:
    """The oldest Go that builds every part: the highest `go` line of the pinned modules."""
    lines = [
        line.removeprefix("go ").strip()
        for module in sorted({p.module for p in PARTS} | {d.module for d in DATA})
        for line in (MODULES / module / "go.mod").read_text().splitlines()
        if line.startswith("go ")
    ]
    return max(tuple(int(number) for number in line.split(".")) for line in lines)


def _digest(folder: Path, line: str) -> str:
    digest = hashlib.sha256(line.encode())
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(f"\0{file.relative_to(folder).as_posix()}\0".encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]
