# SPDX-License-Identifier: Apache-2.0
"""Which requests are management operations, and how much of each must be recorded at least?

Authority: CIS Kubernetes Benchmark 1.12, 3.2.1 and 3.2.2 (floors for Secrets, ConfigMaps, token
reviews, Pods, Deployments and the connecting subresources; their ceilings), extended to every
kind of write, to failed authentication and to the objects that are the other protection layers
(of which only the body tells what was changed). What may be dropped without loss is the noise
list of the policy that Kubernetes itself shipped for Google Compute Engine
(cluster/gce/gci/configure-helper.sh), each entry with its precise scope.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from kguard.layers.audit.semantics.resources import CONNECT_SUBRESOURCES, WRITES

Ending = Literal["complete", "connect", "failed_login"]
"""Which stage proves the request: its completion, for sessions also their start, for failed
logins only `ResponseStarted`."""

CONNECTING = frozenset(CONNECT_SUBRESOURCES)

ANY = "*"
CORE = ""
RBAC = "rbac.authorization.k8s.io"


class Select(NamedTuple):
    """Requests about resources; `*` stands for all (`resources` and `subresources` alike)."""

    groups: tuple[str, ...]
    resources: tuple[str, ...]
    subresources: tuple[str, ...]
    verbs: tuple[str, ...]
    ceiling: str = ""
    """For a limit: the highest level that shows no content."""


class Family(NamedTuple):
    """A class of requests with the level that it must be recorded at."""

    id: str
    title: str
    floor: str
    selects: tuple[Select, ...]
    ending: Ending = "complete"
    groups: tuple[str, ...] = ()
    """The API groups whose presence in the input shows that the family is in use; empty: always."""
    own: bool = False
    """Whether the user's settings add it."""

    @property
    def wide(self) -> bool:
        """Whether it is about every group and asks for content."""
        return self.floor not in ("None", "Metadata") and any(ANY in s.groups for s in self.selects)


class Limit(NamedTuple):
    """A class of requests whose content must not be written to the log."""

    id: Literal["secret_bodies", "token_bodies", "configmap_bodies"]
    title: str
    selects: tuple[Select, ...]


class Noise(NamedTuple):
    """Requests of certain components that nobody misses."""

    users: tuple[str, ...]
    user_groups: tuple[str, ...]
    verbs: tuple[str, ...]
    group: str
    resources: tuple[str, ...]
    namespaces: tuple[str, ...] = ()
    """Empty: in every namespace."""
    title: str = ""


_CHANGES = ("create", "patch", "update")
_CONNECT_VERBS = ("get", "create")

KNATIVE_GROUPS = (
    "serving.knative.dev",
    "eventing.knative.dev",
    "messaging.knative.dev",
    "sources.knative.dev",
    "flows.knative.dev",
    "sinks.knative.dev",
    "networking.internal.knative.dev",
    "autoscaling.internal.knative.dev",
    "operator.knative.dev",
)
ISTIO_GROUPS = (
    "security.istio.io",
    "networking.istio.io",
    "telemetry.istio.io",
    "extensions.istio.io",
    "install.istio.io",
    "sailoperator.io",
)
ENFORCER_GROUPS = ("policy.sigstore.dev", "kyverno.io", "policies.kyverno.io")
FALCO_GROUPS = ("artifact.falcosecurity.dev", "instance.falcosecurity.dev")
EXAMPLES = {
    "security.istio.io": "peerauthentications",
    "networking.istio.io": "destinationrules",
    "telemetry.istio.io": "telemetries",
    "extensions.istio.io": "wasmplugins",
    "serving.knative.dev": "services",
    "eventing.knative.dev": "triggers",
    "messaging.knative.dev": "channels",
    "sources.knative.dev": "sinkbindings",
    "policy.sigstore.dev": "clusterimagepolicies",
    "kyverno.io": "clusterpolicies",
    "policies.kyverno.io": "imagevalidatingpolicies",
    "artifact.falcosecurity.dev": "rulesfiles",
    "instance.falcosecurity.dev": "falcos",
}
"""A kind of each group, for examples of requests."""


def _bodies(family: str, title: str, groups: tuple[str, ...]) -> Family:
    selects = (Select(groups, (ANY,), ("",), _CHANGES),)
    return Family(family, title, "Request", selects, groups=groups)


FAILED_LOGINS = Family(
    "failed_logins",
    "requests whose authentication failed",
    "Metadata",
    (Select((ANY,), (ANY,), (ANY,), (ANY,)),),
    "failed_login",
)

FAMILIES: tuple[Family, ...] = (
    Family(
        "writes",
        "changes of any object, also of kinds that do not exist yet",
        "Metadata",
        (Select((ANY,), (ANY,), (ANY,), WRITES),),
    ),
    Family(
        "connections",
        "exec, attach and port-forward into pods",
        "Metadata",
        (Select((CORE,), ("pods",), ("exec", "attach", "portforward"), _CONNECT_VERBS),),
        "connect",
    ),
    Family(
        "proxies",
        "requests through the API server's proxy to pods, services and nodes",
        "Metadata",
        (
            Select(
                (CORE,),
                ("pods", "services", "nodes"),
                ("proxy",),
                (*_CONNECT_VERBS, "update", "patch", "delete"),
            ),
        ),
        "connect",
    ),
    Family(
        "secret_reads",
        "reads of secrets",
        "Metadata",
        (Select((CORE,), ("secrets",), ("",), ("get", "list", "watch")),),
    ),
    Family(
        "token_requests",
        "requests for service account tokens, reviews of tokens and of what others may do",
        "Metadata",
        (
            Select((CORE,), ("serviceaccounts",), ("token",), ("create",)),
            Select(("authentication.k8s.io",), ("tokenreviews",), ("",), ("create",)),
            Select(
                ("authorization.k8s.io",),
                ("subjectaccessreviews", "localsubjectaccessreviews"),
                ("",),
                ("create",),
            ),
        ),
    ),
    FAILED_LOGINS,
    Family(
        "access_control",
        "grants of rights: roles and their bindings",
        "Request",
        (Select((RBAC,), (ANY,), ("",), _CHANGES),),
    ),
    Family(
        "cluster_control",
        "changes of admission, of the API itself and of certificates",
        "Request",
        (
            Select(
                ("admissionregistration.k8s.io", "apiextensions.k8s.io", "apiregistration.k8s.io"),
                (ANY,),
                ("",),
                _CHANGES,
            ),
            Select(
                ("certificates.k8s.io",),
                ("certificatesigningrequests",),
                ("", "approval"),
                _CHANGES,
            ),
        ),
    ),
    _bodies("istio_objects", "the content of Istio's objects", ISTIO_GROUPS),
    _bodies("knative_objects", "the content of Knative's objects", KNATIVE_GROUPS),
    _bodies("image_policies", "the content of image policies", ENFORCER_GROUPS),
    _bodies("falco_objects", "the content of Falco's objects", FALCO_GROUPS),
)

_ALL = ("get", "list", "watch", *WRITES)
_PROXY_VERBS = (*_CONNECT_VERBS, "update", "patch", "delete")


def _concern(name: str, group: str, path: str, verbs: tuple[str, ...]) -> Family:
    resource, _, subresource = path.partition("/")
    ending: Ending = "connect" if subresource in CONNECTING else "complete"
    selects = (Select((group,), (resource,), (subresource,), verbs),)
    return Family(name, f"requests for {path}", "Metadata", selects, ending)


CONCERNS: tuple[Family, ...] = (
    _concern("secrets", CORE, "secrets", _ALL),
    _concern("configmaps", CORE, "configmaps", _ALL),
    _concern("tokenreviews", "authentication.k8s.io", "tokenreviews", ("create",)),
    _concern("pods", CORE, "pods", WRITES),
    _concern("deployments", "apps", "deployments", WRITES),
    _concern("pods_exec", CORE, "pods/exec", _CONNECT_VERBS),
    _concern("pods_portforward", CORE, "pods/portforward", _CONNECT_VERBS),
    _concern("pods_proxy", CORE, "pods/proxy", _PROXY_VERBS),
    _concern("services_proxy", CORE, "services/proxy", _PROXY_VERBS),
)
"""The nine resources that CIS 3.2.2 names: of Pods and Deployments the modifications."""

_SENT = ("create", "patch", "update")
_RETURNED = ("get", "list", "delete", "deletecollection")

LIMITS: tuple[Limit, ...] = (
    Limit(
        "secret_bodies",
        "the content of secrets",
        (
            Select((CORE,), ("secrets",), ("",), _SENT, "Metadata"),
            Select((CORE,), ("secrets",), ("",), _RETURNED, "Request"),
        ),
    ),
    Limit(
        "token_bodies",
        "bearer tokens",
        (
            Select(("authentication.k8s.io",), ("tokenreviews",), ("",), ("create",), "Metadata"),
            Select((CORE,), ("serviceaccounts",), ("token",), ("create",), "Request"),
        ),
    ),
    Limit(
        "configmap_bodies",
        "the content of ConfigMaps",
        (
            Select((CORE,), ("configmaps",), ("",), _SENT, "Metadata"),
            Select((CORE,), ("configmaps",), ("",), _RETURNED, "Request"),
        ),
    ),
)

_CONTROL_PLANE = (
    "system:kube-controller-manager",
    "system:kube-scheduler",
    "system:cloud-controller-manager",
    "system:serviceaccount:kube-system:endpoint-controller",
)

NOISE: tuple[Noise, ...] = (
    Noise(
        ("system:apiserver",),
        (),
        WRITES,
        "apiserver.openshift.io",
        ("apirequestcounts",),
        title="OpenShift's counts of requests",
    ),
    Noise(
        _CONTROL_PLANE,
        (),
        ("get", "update"),
        CORE,
        ("endpoints",),
        ("kube-system",),
        "endpoints of the control plane",
    ),
    Noise(
        ("cluster-autoscaler", "system:serviceaccount:kube-system:cluster-autoscaler"),
        (),
        ("get", "update"),
        CORE,
        ("configmaps", "endpoints"),
        ("kube-system",),
        "ConfigMaps and endpoints of the cluster autoscaler",
    ),
    Noise(
        (),
        ("system:nodes",),
        WRITES,
        "coordination.k8s.io",
        ("leases",),
        ("kube-node-lease",),
        "heartbeats of nodes",
    ),
    Noise(
        (*_CONTROL_PLANE, "system:apiserver"),
        (),
        WRITES,
        "coordination.k8s.io",
        ("leases",),
        ("kube-system",),
        "leases of the control plane",
    ),
    Noise(
        (),
        (
            "system:serviceaccounts:knative-serving",
            "system:serviceaccounts:knative-eventing",
            "system:serviceaccounts:istio-system",
        ),
        WRITES,
        "coordination.k8s.io",
        ("leases",),
        ("knative-serving", "knative-eventing", "istio-system"),
        "leases of Knative's and Istio's controllers",
    ),
)

NARROW_CONFIGMAPS = ("knative-serving", "knative-eventing", "istio-system")
"""Namespaces whose named ConfigMaps configure a protection layer: their content may be logged."""

UNMANAGED = frozenset({("", "events"), ("events.k8s.io", "events")})
"""Resources whose writes are no management operations."""
