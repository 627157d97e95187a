# SPDX-License-Identifier: Apache-2.0
"""Which version of which system does the testbed hold, and from which Go module does it come?

This table is the one place where versions are pinned. A recipe either installs ``package`` at
its version, or builds it inside a module of ours (``module``): etcd and Kubernetes carry replace
directives, so ``go install package@version`` refuses them, and an oracle is our own program.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
ORACLES = HERE.parent / "oracles"
KUBERNETES = "1.36.3"
OLDEST_KUBERNETES = "1.33.13"
"""Three minors back: the oldest API server that is supported."""

LONG_RUNS_ONLY = frozenset(
    {
        "apiserver_1_35",
        "calico_policy",
        "calico_selectors",
        "cilium_policy",
        "cyclonus",
        "istio",
        "keyring",
        "kyverno_images",
        "policy_controller",
    }
)
"""Only long runs ask them: a further version, minutes and gigabytes to build, or answers kept."""


@dataclass(frozen=True)
class Recipe:
    """How one system is built. ``group``: ``test`` (make testbed), ``bench`` or ``full``."""

    name: str
    version: str
    package: str
    module: Path | None = None
    ldflags: str = "-s -w"
    group: str = "test"

    @property
    def folder(self) -> str:
        """The name of the folder in the cache, unique for name and version."""
        return f"{self.name}-{self.version}"

    @property
    def target(self) -> str:
        """What the Go tool is asked to build."""
        return self.package if self.module else f"{self.package}@v{self.version}"


def _kubernetes(name: str) -> Recipe:
    stamp = _stamp(KUBERNETES)
    package = f"k8s.io/kubernetes/cmd/{name}"
    return Recipe(name, KUBERNETES, package, HERE / "modules" / "kubernetes", stamp)


def _stamp(version: str) -> str:
    return f"-s -w -X k8s.io/component-base/version.gitVersion=v{version}"


# In the order of building: what most tests wait for comes first.
SYSTEMS = (
    Recipe("opa", "1.21.1", "github.com/open-policy-agent/opa"),
    Recipe("etcd", "3.6.8", "go.etcd.io/etcd/server/v3", HERE / "modules" / "etcd"),
    _kubernetes("kubectl"),
    _kubernetes("kube-apiserver"),
    Recipe("registry", "3.1.2", "github.com/distribution/distribution/v3/cmd/registry"),
    Recipe("crane", "0.22.1", "github.com/google/go-containerregistry/cmd/crane"),
    Recipe("cosign", "3.1.3", "github.com/sigstore/cosign/v3/cmd/cosign"),
    Recipe(
        "helm",
        "3.22.0",
        "helm.sh/helm/v3/cmd/helm",
        ldflags="-s -w -X helm.sh/helm/v3/internal/version.version=v3.22.0",
    ),
    _kubernetes("kube-controller-manager"),
    Recipe("kube-score", "1.20.0", "github.com/zegl/kube-score/cmd/kube-score", group="bench"),
    Recipe("conftest", "0.71.1", "github.com/open-policy-agent/conftest", group="bench"),
    Recipe(
        "kube-apiserver-1.33",
        OLDEST_KUBERNETES,
        "k8s.io/kubernetes/cmd/kube-apiserver",
        HERE / "modules" / "kubernetes_1_33",
        _stamp(OLDEST_KUBERNETES),
        group="full",
    ),
    Recipe("kwok", "0.8.0", "sigs.k8s.io/kwok/cmd/kwok", group="full"),
    Recipe("promtool", "0.316.0", "github.com/prometheus/prometheus/cmd/promtool", group="full"),
    Recipe(
        "pushgateway",
        "1.11.1",
        "github.com/prometheus/pushgateway",
        HERE / "modules" / "pushgateway",
        group="full",
    ),
)


def oracles(root: Path = ORACLES) -> tuple[Recipe, ...]:
    """One recipe for each ``support/oracles/*/go.mod``, keyed by a hash of the module's files."""
    modules = sorted(path.parent for path in root.glob("*/go.mod"))
    return tuple(
        Recipe(
            module.name,
            _digest(module),
            ".",
            module,
            group="full" if module.name in LONG_RUNS_ONLY else "test",
        )
        for module in modules
    )


def _digest(module: Path) -> str:
    state = hashlib.sha256()
    files = (path for path in module.rglob("*") if path.suffix in {".go", ".mod", ".sum"})
    for path in sorted(files):
        content = path.read_bytes()
        state.update(f"{path.relative_to(module)}\0{len(content)}\0".encode() + content)
    return state.hexdigest()[:12]


def recipes() -> tuple[Recipe, ...]:
    """Every system and every oracle, in the order of building."""
    return SYSTEMS + oracles()


def recipe(name: str) -> Recipe:
    """The recipe of one system. Raises ``KeyError`` for a name that the table does not hold."""
    for candidate in recipes():
        if candidate.name == name:
            return candidate
    raise KeyError(f"no system named {name!r} in the testbed")
