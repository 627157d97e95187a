# SPDX-License-Identifier: Apache-2.0
"""What does the input itself tell about the cluster: versions, network plugin, root namespace?"""

from __future__ import annotations

import re

from kguard.inventory.index import Inventory
from kguard.model.findings import Assumed
from kguard.model.manifests import strings

DEFAULTS = {
    "kubernetes": "1.36",
    "istio": "1.31",
    "knative": "1.22",
    "falco": "0.44",
    "cni": "generic",
    "root-namespace": "istio-system",
    "trust-domain": "cluster.local",
    "cluster-domain": "cluster.local",
}
"""What is taken for granted where neither the user nor the input says anything."""

_IMAGES = (
    ("istio", re.compile(r"/pilot(?:-distroless)?:(\d+\.\d+[\w.-]*)")),
    ("falco", re.compile(r"/falco(?:-no-driver|-driver-loader)?:(\d+\.\d+[\w.-]*)")),
    ("kubernetes", re.compile(r"/kube-apiserver:v(\d+\.\d+[\w.-]*)")),
)
_PLUGINS = (
    ("calico", re.compile(r"^calico-node$")),
    ("cilium", re.compile(r"^cilium$")),
    ("antrea", re.compile(r"^antrea-agent$")),
    ("ovn-kubernetes", re.compile(r"^ovnkube-node$")),
    ("kube-network-policies", re.compile(r"^kube-network-policies$")),
    ("kube-router", re.compile(r"^kube-router$")),
    ("weave", re.compile(r"^weave-net$")),
    ("canal", re.compile(r"^canal$")),
    ("none", re.compile(r"^kube-flannel(-ds)?$")),
)
_CONFIGS = (("cilium", "cilium-config"), ("calico", "calico-config"))
"""ConfigMaps of plugins whose DaemonSet is not in the input."""
_ENFORCERS = (
    "calico",
    "canal",
    "cilium",
    "antrea",
    "ovn-kubernetes",
    "kube-network-policies",
    "kube-router",
    "weave",
)


def detect(inventory: Inventory) -> dict[str, Assumed]:
    """Versions, plugin and names, each with how it is known."""
    found = {key: Assumed(value, "assumed") for key, value in DEFAULTS.items()}
    found.update(_from_images(inventory))
    found.update(_from_kubeadm(inventory))
    found.update(_plugin(inventory))
    found.update(_mesh(inventory))
    found.update(_knative(inventory))
    found.update(_base_rules(inventory))
    told = inventory.collected.versions.items()
    found.update({key: Assumed(value, "detected", "the API server") for key, value in told})
    return found


def _base_rules(inventory: Inventory) -> dict[str, Assumed]:
    """What the user says comes with Falco."""
    named = [f"{rules.file} ({rules.digest})".removesuffix(" ()") for rules in inventory.base_rules]
    return {"falco-rules": Assumed(", ".join(named), "configured", "the user")} if named else {}


def _from_images(inventory: Inventory) -> dict[str, Assumed]:
    found = {}
    for workload in inventory.workloads:
        for container in workload.containers:
            for key, pattern in _IMAGES:
                if match := pattern.search(container.image):
                    because = f"{workload.ref}, image {container.image}"
                    found[key] = Assumed(match[1], "detected", because)
    return found


def _from_kubeadm(inventory: Inventory) -> dict[str, Assumed]:
    for manifest in inventory.of("ClusterConfiguration", "kubeadm.k8s.io"):
        version = manifest.object.get("kubernetesVersion")
        if isinstance(version, str) and re.match(r"v?\d+\.\d+", version):
            return {"kubernetes": Assumed(version.lstrip("v"), "detected", "kubeadm configuration")}
    return {}


def _plugin(inventory: Inventory) -> dict[str, Assumed]:
    """The network plugin by its DaemonSet or configuration; Flannel alone enforces nothing."""
    seen = {}
    for manifest in inventory.of("DaemonSet", "apps"):
        for plugin, pattern in _PLUGINS:
            if pattern.search(manifest.name):
                seen[plugin] = Assumed(plugin, "detected", str(manifest.ref))
    for manifest in inventory.of("ConfigMap"):
        for plugin, name in _CONFIGS:
            if manifest.name == name:
                seen.setdefault(plugin, Assumed(plugin, "detected", str(manifest.ref)))
    for plugin in (*_ENFORCERS, "none"):
        if plugin in seen:
            return {"cni": seen[plugin]}
    return {}


def _mesh(inventory: Inventory) -> dict[str, Assumed]:
    """Root namespace and trust domain from MeshConfig in the ConfigMap `istio`."""
    found = {}
    for manifest in inventory.of("ConfigMap"):
        if manifest.name != "istio" and not manifest.name.startswith("istio-"):
            continue
        text = strings(manifest.object.get("data")).get("mesh", "")
        for key, field in (("root-namespace", "rootNamespace"), ("trust-domain", "trustDomain")):
            if match := re.search(rf"^{field}:[ \t]*\"?([\w.-]+)", text, re.MULTILINE):
                found[key] = Assumed(match[1], "detected", str(manifest.ref))
    return found


def _knative(inventory: Inventory) -> dict[str, Assumed]:
    for manifest in inventory.of("Namespace"):
        version = manifest.labels.get("app.kubernetes.io/version", "")
        if manifest.name in ("knative-serving", "knative-eventing") and version:
            return {"knative": Assumed(version, "detected", str(manifest.ref))}
    return {}
