# SPDX-License-Identifier: Apache-2.0
"""Which settings of Knative bear on mutual TLS, and what does each of them really give?

Authority: knative.dev/networking config/config-network.yaml and pkg/config/config.go (values are
read without regard to case; `internal-encryption` is the older name), knative/serving
pkg/activator/net (pods are called by address unless that fails or mesh-compatibility-mode says
otherwise), knative/docs serving/encryption (the server alone is authenticated) and
knative/eventing docs on transport encryption: `strict` binds what brokers and channels accept;
what they send to a subscriber depends on the subscriber's address.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from kguard.layers.mtls.facts.view import View
from kguard.model.facts import mtls as model
from kguard.model.facts.common import Evidence
from kguard.model.locations import pointer
from kguard.model.manifests import JsonObject, Manifest, mapping, strings

_Kind = Literal["pod_addressing", "server_tls", "event_transport"]
_Dispatchers = Literal["mesh", "outside", "unknown"]
_EVENTING = "knative-eventing"
_TRANSPORT = "transport-encryption"
_NETWORK: dict[str, _Kind] = {
    "mesh-compatibility-mode": "pod_addressing",
    "system-internal-tls": "server_tls",
    "internal-encryption": "server_tls",
    "cluster-local-domain-tls": "server_tls",
}
_NOTES: dict[_Kind, str] = {
    "pod_addressing": "how activator and autoscaler reach pods: by address, or by Service",
    "server_tls": "TLS in which only the server is authenticated: not mutual TLS",
    "event_transport": "whether brokers and channels ask for TLS",
}
_DISPATCHERS = ("broker", "dispatcher", "receiver")
_ROUTES = {"Trigger": "eventing.knative.dev", "Subscription": "messaging.knative.dev"}
_ON = {"true": "enabled", "false": "disabled"}


def knative_facts(view: View, facts: dict[str, model.Workload]) -> list[model.KnativeSetting]:
    """Settings of Knative that bear on mutual TLS, each as what it is.

    Args:
        view: the inventory.
        facts: the facts about workloads by `Manifest.id`; empty where there is no mesh.
    """
    found = []
    for manifest in view.inventory.of("ConfigMap"):
        data = strings(manifest.object.get("data"))
        if manifest.name == "config-network":
            found += [_setting(view, facts, manifest, key) for key in _NETWORK if key in data]
        here = manifest.namespace == _EVENTING or _TRANSPORT in data
        if manifest.name == "config-features" and here:
            found.append(_setting(view, facts, manifest, _TRANSPORT))
    return found


def _setting(
    view: View, facts: dict[str, model.Workload], manifest: Manifest, key: str
) -> model.KnativeSetting:
    data = strings(manifest.object.get("data"))
    kind = _NETWORK.get(key, "event_transport")
    value = data.get(key, "disabled").strip().lower()
    place = pointer("data", key) if key in data else "/metadata/name"
    note = _NOTES[kind] if key in data else f"{key} is not set: it is disabled"
    events = kind == "event_transport"
    return model.KnativeSetting(
        ref=manifest.ref,
        key=key,
        kind=kind,
        value=_ON.get(value, value),
        strict=[] if events else _strict(view, facts),
        dispatchers=_dispatchers(view, facts, manifest.namespace) if events else "unknown",
        plaintext=sorted(_plain(view)) if events else [],
        because=[Evidence(manifest.id, place, note)],
    )


def _strict(view: View, facts: dict[str, model.Workload]) -> list[str]:
    """The Knative workloads with a STRICT sidecar."""
    return sorted(
        fact.ref.name
        for workload in view.inventory.workloads
        if workload.knative == "serving"
        for fact in [facts.get(workload.id)]
        if fact and fact.plane == "sidecar" and any(g.effective == "strict" for g in fact.modes)
    )


def _dispatchers(view: View, facts: dict[str, model.Workload], namespace: str) -> _Dispatchers:
    planes = {
        facts[workload.id].plane if workload.id in facts else "none"
        for workload in view.inventory.workloads_by_namespace.get(namespace, ())
        if any(word in workload.name for word in _DISPATCHERS)
    }
    if not planes or "unknown" in planes:
        return "unknown"
    return "outside" if "none" in planes else "mesh"


def _plain(view: View) -> Iterator[str]:
    for kind, group in _ROUTES.items():
        for manifest in view.inventory.of(kind, group):
            if _is_plain(mapping(manifest.spec.get("subscriber"))):
                yield f"{kind} {manifest.namespace}/{manifest.name}"


def _is_plain(subscriber: JsonObject) -> bool:
    """Whether the address is plain HTTP; that of a Knative Service is its own matter."""
    words, ref = strings(subscriber), strings(subscriber.get("ref"))
    if words.get("CACerts"):
        return False
    core = (ref.get("apiVersion", ""), ref.get("kind", "")) == ("v1", "Service")
    return core or words.get("uri", "").startswith("http://")
