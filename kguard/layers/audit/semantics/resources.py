# SPDX-License-Identifier: Apache-2.0
"""Which resources does a Kubernetes API server of its own serve, and with which verbs?

Authority: the discovery documents of Kubernetes 1.36 (stable APIs and the beta ones that are on
by default). Everything in another group is a custom or aggregated resource, of which nothing is
assumed.
"""

from __future__ import annotations

from typing import NamedTuple

WRITES = ("create", "update", "patch", "delete", "deletecollection")
OBJECT_WRITES = ("update", "patch", "delete")
READS = ("get", "list", "watch")
CONNECT_SUBRESOURCES = ("exec", "attach", "portforward", "proxy")

CREATE_ONLY = frozenset(
    {
        "bindings",
        "tokenreviews",
        "selfsubjectreviews",
        "subjectaccessreviews",
        "localsubjectaccessreviews",
        "selfsubjectaccessreviews",
        "selfsubjectrulesreviews",
    }
)

_CREATED = frozenset({"binding", "eviction", "token"})
"""Subresources that are written with `create`; the others with `update` and `patch`."""

_NAMESPACED = {
    "": "pods/exec,attach,portforward,proxy,ephemeralcontainers,eviction,binding,log,resize,status"
    " secrets configmaps services/proxy,status serviceaccounts/token endpoints events limitranges"
    " persistentvolumeclaims/status podtemplates replicationcontrollers/scale,status"
    " resourcequotas/status bindings",
    "apps": "deployments/scale,status daemonsets/status statefulsets/scale,status"
    " replicasets/scale,status controllerrevisions",
    "batch": "jobs/status cronjobs/status",
    "autoscaling": "horizontalpodautoscalers/status",
    "policy": "poddisruptionbudgets/status",
    "networking.k8s.io": "networkpolicies ingresses/status",
    "rbac.authorization.k8s.io": "rolebindings roles",
    "authorization.k8s.io": "localsubjectaccessreviews",
    "certificates.k8s.io": "podcertificaterequests/status",
    "coordination.k8s.io": "leases leasecandidates",
    "discovery.k8s.io": "endpointslices",
    "events.k8s.io": "events",
    "storage.k8s.io": "csistoragecapacities",
    "resource.k8s.io": "resourceclaims/status resourceclaimtemplates",
}

_CLUSTER = {
    "": "nodes/proxy,status persistentvolumes/status namespaces/finalize,status",
    "rbac.authorization.k8s.io": "clusterrolebindings clusterroles",
    "admissionregistration.k8s.io": "validatingwebhookconfigurations mutatingwebhookconfigurations"
    " validatingadmissionpolicies/status validatingadmissionpolicybindings"
    " mutatingadmissionpolicies mutatingadmissionpolicybindings",
    "apiextensions.k8s.io": "customresourcedefinitions/status",
    "apiregistration.k8s.io": "apiservices/status",
    "authentication.k8s.io": "tokenreviews selfsubjectreviews",
    "authorization.k8s.io": "subjectaccessreviews selfsubjectaccessreviews selfsubjectrulesreviews",
    "certificates.k8s.io": "certificatesigningrequests/approval,status clustertrustbundles",
    "flowcontrol.apiserver.k8s.io": "flowschemas/status prioritylevelconfigurations/status",
    "networking.k8s.io": "ingressclasses ipaddresses servicecidrs/status",
    "node.k8s.io": "runtimeclasses",
    "resource.k8s.io": "deviceclasses resourceslices",
    "scheduling.k8s.io": "priorityclasses",
    "storage.k8s.io": "storageclasses csidrivers csinodes volumeattachments/status"
    " volumeattributesclasses",
}


class Resource(NamedTuple):
    """One resource or subresource that the API server serves."""

    group: str
    resource: str
    subresource: str
    namespaced: bool

    @property
    def writes(self) -> tuple[str, ...]:
        """The verbs that change it."""
        if self.resource in CREATE_ONLY or self.subresource in _CREATED:
            return ("create",)
        if self.subresource == "log":
            return ()
        return ("update", "patch") if self.subresource else WRITES


def _parse(table: dict[str, str], *, namespaced: bool) -> list[Resource]:
    found = []
    for group, text in table.items():
        for word in text.split():
            name, _, subresources = word.partition("/")
            found.append(Resource(group, name, "", namespaced))
            found += [Resource(group, name, s, namespaced) for s in subresources.split(",") if s]
    return found


BUILT_IN: tuple[Resource, ...] = (
    *_parse(_NAMESPACED, namespaced=True),
    *_parse(_CLUSTER, namespaced=False),
)
BUILT_IN_GROUPS = frozenset(resource.group for resource in BUILT_IN)
_SERVED = {
    *((resource.group, resource.resource, resource.subresource) for resource in BUILT_IN),
    ("", "componentstatuses", ""),
}
_LEGACY = frozenset({"podsecuritypolicies"})
"""Once served by a group that is still there."""


def is_served(group: str, pattern: str) -> bool:
    """Whether a string of a rule's `resources` can be about something in a built-in group.

    Nothing is known of other groups, and of patterns with a star.
    """
    resource, _, subresource = pattern.partition("/")
    if group not in BUILT_IN_GROUPS or "*" in pattern or resource in _LEGACY:
        return True
    return (group, resource, subresource) in _SERVED
