# SPDX-License-Identifier: Apache-2.0
"""What does a workload with a sidecar send to a Service of the input?"""

from __future__ import annotations

from kguard.inventory import Workload
from kguard.layers.mtls.facts.services import Service, ServicePort
from kguard.layers.mtls.facts.view import View
from kguard.layers.mtls.semantics.destination import Rule
from kguard.layers.mtls.semantics.edge import TUNNEL_LABEL
from kguard.layers.mtls.semantics.upstream import (
    TLS_MODE_LABEL,
    Client,
    Endpoint,
    Target,
    Upstream,
    upstream,
)

_FALLBACK_SINCE = (1, 31)
"""The release that lets a subset without TLS fall back to its rule."""
_ENABLE_HBONE = "ISTIO_META_ENABLE_HBONE"


def client_of(view: View, namespace: str, labels: dict[str, str]) -> Client:
    """The policies and switches that count for a client."""
    policies = view.index(view.revision(namespace, labels))
    falls_back = view.istio is None or view.istio >= _FALLBACK_SINCE
    return Client(policies, view.config.auto_mtls, subset_fallback=falls_back)


def host_of(view: View, service: Service) -> str:
    """The full name of a Service."""
    return f"{service.manifest.name}.{service.manifest.namespace}.svc.{view.domain}"


def rule_for(view: View, client: Workload, service: Service) -> Rule | None:
    """The DestinationRule that a client obeys for a Service."""
    host, place = host_of(view, service), service.manifest.namespace
    rules = view.rules(view.revision(client.namespace, client.labels))
    return rules.rule_for(client.namespace, client.labels, host, place)


def target_of(view: View, service: Service, port: ServicePort) -> Target:
    """A port of a Service with the pods behind it, one for each workload."""
    endpoints = [
        Endpoint(workload.id, workload.namespace, tls_labels(view, workload), number)
        for workload in view.workloads_of(service)
        for number in service.targets(port, workload)[:1]
    ]
    place = service.manifest.namespace
    return Target(place, port.number, tuple(endpoints), passthrough=service.headless)


def tls_labels(view: View, workload: Workload) -> dict[str, str]:
    """The labels of the pods, with the one that injection adds unless it is there already."""
    if TLS_MODE_LABEL in workload.labels or view.enrolment(workload).plane != "sidecar":
        return workload.labels
    return {**workload.labels, TLS_MODE_LABEL: "istio"}


def sent(
    view: View, client: Workload, service: Service, port: ServicePort, subset: str = ""
) -> Upstream:
    """What the client's sidecar does for a port of a Service, or for a subset of its rule."""
    who = client_of(view, client.namespace, client.labels)
    return upstream(who, target_of(view, service, port), rule_for(view, client, service), subset)


def takes_tunnel(view: View, server: Workload, plane: str) -> bool | None:
    """Whether the server's pods take HBONE; None where the mesh's settings do not say."""
    if plane in ("ambient", "waypoint"):
        return True
    if plane != "sidecar":
        return None if plane == "unknown" else False
    if TUNNEL_LABEL in server.labels:
        return server.labels[TUNNEL_LABEL] == "http"
    if not view.config.ref:
        return None
    return view.config.proxy_metadata.get(_ENABLE_HBONE) == "true"
