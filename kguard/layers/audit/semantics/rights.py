# SPDX-License-Identifier: Apache-2.0
"""Which rights let somebody hide from the audit log, or switch it off?

Authority: Kubernetes' RBAC authorizer (`*` stands for every verb, group and resource, `*/sub` for
a subresource of all; rules with resourceNames allow these names only), the default roles
cluster-admin, admin and edit, and the places that decide what an API server is started with. No
right edits the file of the policy on a node: the routes lead over pods on the control plane, over
kubelets, or over what some operator writes there.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from kguard.model.facts.audit import Route

SYSTEM_NAMESPACE = "kube-system"
EVERYWHERE = "*"


class Right(NamedTuple):
    """What a route needs: one of some verbs on a resource."""

    route: Route
    verbs: frozenset[str]
    group: str
    resource: str
    name: str = ""
    namespaced: bool = False
    """Whether a right in the control plane's namespace is enough."""


_EDITS = frozenset({"update", "patch"})
_CREATES = frozenset({"create"})

RIGHTS: tuple[Right, ...] = (
    Right("impersonate", frozenset({"impersonate"}), "", "users"),
    Right("impersonate", frozenset({"impersonate"}), "", "groups"),
    Right("host-pods", _CREATES, "", "pods", namespaced=True),
    Right("host-pods", _CREATES, "apps", "daemonsets", namespaced=True),
    Right("node-proxy", frozenset({"get", "create"}), "", "nodes/proxy"),
    Right("apiserver-exec", frozenset({"get", "create"}), "", "pods/exec", namespaced=True),
    Right("kubeadm-config", _EDITS, "", "configmaps", "kubeadm-config", namespaced=True),
    Right("openshift-apiserver", _EDITS, "config.openshift.io", "apiservers", "cluster"),
    Right("cluster-api", _EDITS, "controlplane.cluster.x-k8s.io", "kubeadmcontrolplanes"),
    Right("rancher", _EDITS, "provisioning.cattle.io", "clusters"),
)

WORDS: dict[Route, str] = {
    "impersonate": "may act as anybody, also as somebody whose requests are not recorded",
    "host-pods": "may start pods beside the control plane, and with them write to its disk",
    "node-proxy": "may reach every kubelet past the API server's log",
    "apiserver-exec": "may run commands in the pods of the control plane",
    "kubeadm-config": "may change what kubeadm starts the API server with at the next upgrade",
    "openshift-apiserver": "may choose another audit profile",
    "cluster-api": "may change the API server's flags and its policy file",
    "rancher": "may change the API server's flags and its policy file",
}


class Rule(NamedTuple):
    """A rule of a role."""

    verbs: tuple[str, ...]
    groups: tuple[str, ...]
    resources: tuple[str, ...]
    names: tuple[str, ...] = ()


_ALL = Rule(("*",), ("*",), ("*",))
_EDIT = (
    Rule(("create", "update", "patch", "delete"), ("", "apps"), ("pods", "daemonsets")),
    Rule(("get", "create"), ("",), ("pods/exec",)),
    Rule(("update", "patch"), ("",), ("configmaps",)),
)
DEFAULT_ROLES: dict[str, tuple[Rule, ...]] = {
    "cluster-admin": (_ALL,),
    "admin": _EDIT,
    "edit": _EDIT,
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
        near = namespace == EVERYWHERE or (right.namespaced and namespace == SYSTEM_NAMESPACE)
        if near and any(allows(rule, right) for rule in here):
            found[right.route] = None
    return list(found)


def allows(rule: Rule, right: Right) -> bool:
    """Whether a rule grants what a route needs."""
    if "*" not in rule.verbs and not right.verbs & set(rule.verbs):
        return False
    if "*" not in rule.groups and right.group not in rule.groups:
        return False
    if rule.names and right.name not in rule.names:
        return False
    _, slash, subresource = right.resource.partition("/")
    wide = {"*", right.resource, *([f"*/{subresource}"] if slash else [])}
    return bool(wide & set(rule.resources))
