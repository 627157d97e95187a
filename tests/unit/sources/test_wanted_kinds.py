# SPDX-License-Identifier: Apache-2.0
"""Does a live scan list every kind that a layer asks for, so that its absence is no pass?"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from kguard import layers, sources
from kguard.inventory import Inventory, build
from kguard.inventory.workloads import _TEMPLATES
from kguard.model.layer import Request
from kguard.sources.cluster import listing
from kguard.sources.cluster.discovery import Resource
from kguard.sources.cluster.kinds import WANTED

_OTHERS = "it says how some other cluster is made"
_FILE = "a file of the control plane's machines; no API server serves it"
NOT_LISTED = {
    ("Cluster", "eks.services.k8s.aws"): _OTHERS,
    ("Cluster", "kind.x-k8s.io"): _FILE,
    ("Cluster", "kops.k8s.io"): _OTHERS,
    ("Cluster", "provisioning.cattle.io"): _OTHERS,
    ("ClusterConfig", "eksctl.io"): _OTHERS,
    ("ClusterConfiguration", "kubeadm.k8s.io"): _FILE,
    ("ContainerCluster", "container.cnrm.cloud.google.com"): _OTHERS,
    ("DiagnosticSetting", "insights.azure.com"): _OTHERS,
    ("InitConfiguration", "kubeadm.k8s.io"): _FILE,
    ("JoinConfiguration", "kubeadm.k8s.io"): _FILE,
    ("KubeAPIServerConfig", ""): _FILE,
    ("KubeadmControlPlane", "controlplane.cluster.x-k8s.io"): _OTHERS,
    ("ManagedCluster", "containerservice.azure.com"): _OTHERS,
    ("Policy", "audit.k8s.io"): _FILE,
    ("Project", "project.openshift.io"): "its Namespace is listed",
    ("Secret", ""): "only with --read-secrets",
    ("Shoot", "core.gardener.cloud"): _OTHERS,
    ("UpgradeConfiguration", "kubeadm.k8s.io"): _FILE,
}
NO_LONGER_SERVED = {"extensions"}
PODS_ARE_LISTED = {("VirtualMachine", "kubevirt.io")}


@pytest.fixture(scope="module")
def asked(checkout):
    """What the layers want to know of the example shop, by kind and group."""
    found: set[tuple[str, str]] = set()
    plain = Inventory.of

    def of(self, kind, group=""):
        found.add((kind, group))
        return plain(self, kind, group)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Inventory, "of", of)
        inventory = build(sources.collect([str(checkout / "examples" / "shop")]))
        for name in layers.NAMES:
            layers.load(name).facts(inventory, Request("cluster", datetime.now(UTC)))
    return found


def _plurals(kind):
    word = kind.lower()
    return {word, f"{word}s", f"{word}es", f"{word[:-1]}ies"}


def _listed(kind, group):
    wanted = WANTED.get(group, frozenset())
    return "*" in wanted or not wanted.isdisjoint(_plurals(kind))


def test_every_kind_is_listed_or_named_with_the_reason(asked):
    assert {one for one in asked if not _listed(*one)} == set(NOT_LISTED)


def test_every_kind_that_makes_pods_is_listed():
    makers = {one for one in _TEMPLATES if one[1] not in NO_LONGER_SERVED}
    assert {one for one in makers if not _listed(*one)} == PODS_ARE_LISTED


def test_the_schemas_of_definitions_are_left_out():
    version = {"name": "v1", "served": True, "schema": {"openAPIV3Schema": {"type": "object"}}}
    item = {"metadata": {"name": "x"}, "spec": {"group": "g", "versions": [version]}}
    group = "apiextensions.k8s.io"
    resource = Resource(group, "v1", "customresourcedefinitions", "CustomResourceDefinition")
    kept = listing.tidy(item, resource)
    assert kept["spec"] == {"group": "g", "versions": [{"name": "v1", "served": True}]}
