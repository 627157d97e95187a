# SPDX-License-Identifier: Apache-2.0
"""What in a request is worth a look when somebody reads an audit log?

Authority: the requests that CIS 3.2.2 wants recorded, and the ways to switch the other layers
off. The API server writes the query of a request at every level, so that a credential in it is in
the log (kubernetes/kubernetes issue 97795).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal
from urllib.parse import unquote_plus

from kguard.layers.audit.semantics.evaluate import Attributes
from kguard.layers.audit.semantics.families import FALCO_GROUPS, ISTIO_GROUPS, RBAC
from kguard.layers.audit.semantics.resources import WRITES

Kind = Literal[
    "session",
    "secret-read",
    "grant",
    "admission-change",
    "audit-change",
    "falco-change",
    "istio-change",
    "knative-change",
    "credential-in-uri",
]
WORDS: dict[str, str] = {
    "session": "sessions into pods",
    "secret-read": "reads of secrets by people and workloads",
    "grant": "changes of roles and bindings",
    "wide-grant": "grants of cluster-admin or of everything",
    "admission-change": "changes of admission",
    "audit-change": "changes of what configures auditing",
    "falco-change": "changes of Falco's objects or configuration",
    "istio-change": "changes of Istio's objects or configuration",
    "knative-change": "changes of Knative's configuration",
    "credential-in-uri": "credentials in the URI, where the log shows them",
    "anonymous": "requests of nobody in particular that were let through",
    "impersonation": "requests in the name of somebody else",
    "refused-login": "refused logins (401)",
    "denied": "denied requests (403)",
    "throttled": "throttled requests (429)",
    "truncated": "events that were cut short",
}

_SESSIONS = frozenset({"exec", "attach", "portforward"})
_CREDENTIAL = re.compile(
    r"(?i)(?:^|[?&=\s;'\"-])(?:[\w-]*token|passw(?:or)?d|secret|api_?key|authorization|bearer)"
    r"(?:=|:\s*|\s+)[^&\s]{4,}"
)
_AUDIT_CONFIGMAPS = frozenset({"kubeadm-config", "kube-apiserver-audit-policies"})
_AUDIT_GROUPS = frozenset({"controlplane.cluster.x-k8s.io", "provisioning.cattle.io"})
_QUIET = (
    "system:apiserver",
    "system:kube-",
    "system:node:",
    "system:serviceaccount:kube-system:",
)
_OPEN_PATHS = ("/healthz", "/livez", "/readyz", "/version", "/openid", "/.well-known/")


def kinds(request: Attributes, uri: str) -> tuple[Kind, ...]:
    """What kinds of notable activity a request is."""
    found: list[Kind] = ["credential-in-uri"] if has_credential(uri) else []
    if request.resource_request and not (request.user or "").startswith(_QUIET):
        found += _about_objects(request)
    return tuple(found)


def has_credential(uri: str) -> bool:
    """Whether the query of a URI holds what looks like a credential."""
    _, question, query = uri.partition("?")
    return bool(question) and _CREDENTIAL.search(unquote_plus(query)) is not None


def is_probe(path: str) -> bool:
    """Whether a path is one that everybody may ask for."""
    return path.startswith(_OPEN_PATHS)


def is_wide(body: bytes) -> bool:
    """Whether the body of a grant names cluster-admin or a wildcard."""
    return b'"cluster-admin"' in body or b'"*"' in body


def _about_objects(request: Attributes) -> Iterator[Kind]:
    if request.subresource in _SESSIONS:
        yield "session"
    if request.verb in ("get", "list", "watch"):
        if (request.api_group, request.resource) == ("", "secrets"):
            yield "secret-read"
        return
    if request.verb not in WRITES:
        return
    if request.api_group == RBAC:
        yield "grant"
    if request.api_group == "admissionregistration.k8s.io":
        yield "admission-change"
    if _configures_audit(request):
        yield "audit-change"
    yield from _of_other_layers(request)


def _configures_audit(request: Attributes) -> bool:
    if request.api_group in _AUDIT_GROUPS:
        return True
    if (request.api_group, request.resource) == ("config.openshift.io", "apiservers"):
        return True
    if request.resource == "pods" and request.name.startswith("kube-apiserver-"):
        return request.namespace == "kube-system"
    return request.resource == "configmaps" and request.name in _AUDIT_CONFIGMAPS


def _of_other_layers(request: Attributes) -> Iterator[Kind]:
    configuration = request.api_group == "" and request.resource in ("configmaps", "secrets")
    workload = request.api_group == "apps" and request.resource == "daemonsets"
    falco = "falco" in request.namespace and (configuration or workload)
    if request.api_group in FALCO_GROUPS or falco:
        yield "falco-change"
    istio = request.namespace == "istio-system" and configuration
    if request.api_group in ISTIO_GROUPS or istio:
        yield "istio-change"
    knative = request.namespace.startswith("knative-") and configuration
    if request.api_group == "operator.knative.dev" or knative:
        yield "knative-change"
