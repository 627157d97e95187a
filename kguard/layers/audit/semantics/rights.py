# SPDX-License-Identifier: Apache-2.0
"""Which rights let somebody hide from the audit log, or switch it off?

Authority: Kubernetes' RBAC authorizer (`inventory.rbac`) and the places that decide what an API
server is started with. No right edits the file of the policy on a node: the routes lead over pods
on the control plane, over kubelets, or over what some operator writes there.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from kguard.inventory.rbac import EVERYWHERE, Rule
from kguard.model.facts.audit import Route

SYSTEM_NAMESPACE = "kube-system"
_OPENSHIFT = "openshift-kube-apiserver"
_OPENSHIFT_POLICY = "kube-apiserver-audit-policies"
_STARTING = {
    "": ("pods", "replicationcontrollers"),
    "apps": ("daemonsets", "deployments", "replicasets", "statefulsets"),
    "batch": ("cronjobs", "jobs"),
}
"""Resources that make pods: nobody but admission looks at what these mount."""


class Right(NamedTuple):
    """What a route needs: one of some verbs on a resource."""

    route: Route
    verbs: frozenset[str]
    group: str
    resource: str
    name: str = ""
    home: str = ""
    """The namespace in which the right is enough; empty: it is needed everywhere."""


_EDITS = frozenset({"update", "patch"})
_CREATES = frozenset({"create"})

RIGHTS: tuple[Right, ...] = (
    Right("impersonate", frozenset({"impersonate"}), "", "users"),
    Right("impersonate", frozenset({"impersonate"}), "", "groups"),
    *(
        Right("host-pods", _CREATES, group, resource, home=SYSTEM_NAMESPACE)
        for group, resources in _STARTING.items()
        for resource in resources
    ),
    Right("node-proxy", frozenset({"get", "create"}), "", "nodes/proxy"),
    Right("apiserver-exec", frozenset({"get", "create"}), "", "pods/exec", home=SYSTEM_NAMESPACE),
    Right("kubeadm-config", _EDITS, "", "configmaps", "kubeadm-config", SYSTEM_NAMESPACE),
    Right("openshift-apiserver", _EDITS, "config.openshift.io", "apiservers", "cluster"),
    Right("openshift-apiserver", _EDITS, "", "configmaps", _OPENSHIFT_POLICY, _OPENSHIFT),
    Right("cluster-api", _EDITS, "controlplane.cluster.x-k8s.io", "kubeadmcontrolplanes"),
    Right("rancher", _EDITS, "provisioning.cattle.io", "clusters"),
)

WORDS: dict[Route, str] = {
    "impersonate": "may act as anybody, also as somebody whose requests are not recorded",
    "host-pods": "may start pods beside the control plane, and with them write to its disk",
    "node-proxy": "may reach every kubelet past the API server's log",
    "apiserver-exec": "may run commands in the pods of the control plane",
    "kubeadm-config": "may change what kubeadm starts the API server with at the next upgrade",
    "openshift-apiserver": "may choose another audit profile, or change the policy made of it",
    "cluster-api": "may change the API server's flags and its policy file",
    "rancher": "may change the API server's flags and its policy file",
}


def routes(rules: Iterable[Rule], namespace: str) -> list[Route]:
    """The routes that some rules open, in the order of `RIGHTS`.

    Args:
        rules: of a role.
        namespace: in which they hold, or `EVERYWHERE`.
    """
    here = tuple(rules)
    found: dict[Route, None] = {}
    for right in RIGHTS:
        near = namespace == EVERYWHERE or (right.home and namespace == right.home)
        if near and any(
            rule.allows(right.verbs, right.group, right.resource, right.name) for rule in here
        ):
            found[right.route] = None
    return list(found)
