# SPDX-License-Identifier: Apache-2.0
"""Which other meshes and encryptions does the input show, and what do they give?

They are named: Linkerd, Consul, Kuma and Cilium's ztunnel authenticate workloads to one another and
encrypt (Linkerd is judged in `linkerd`; Consul's permissive mode is said). Cilium's mutual
authentication, which it deprecates, checks identities beside the connection and encrypts nothing.
WireGuard and IPsec of the network plugin encrypt between nodes, where no workload proves who it is
and traffic within a node stays as it is.

Authority: cilium/cilium Documentation/security/network (encryption, mutual-authentication),
docs.tigera.io (FelixConfiguration), developer.hashicorp.com/consul (`mutualTLSMode`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from kguard.layers.mtls.facts.view import View
from kguard.model.facts.common import Evidence
from kguard.model.facts.mtls import OtherMesh
from kguard.model.locations import pointer
from kguard.model.manifests import Manifest, mapping, sequence, strings

_Gives = Literal["mutual_tls", "permissive_tls", "authentication", "node_encryption"]
_GROUPS = {
    "policy.linkerd.io": "Linkerd",
    "linkerd.io": "Linkerd",
    "consul.hashicorp.com": "Consul",
    "kuma.io": "Kuma",
}
_MARKS = {
    ("linkerd.io/inject", "enabled"): "Linkerd",
    ("linkerd.io/inject", "ingress"): "Linkerd",
    ("consul.hashicorp.com/connect-inject", "true"): "Consul",
    ("kuma.io/sidecar-injection", "enabled"): "Kuma",
    ("io.cilium/mtls-enabled", "true"): "Cilium's ztunnel",
}
_KEYS = frozenset(key for key, _ in _MARKS)
_CILIUM = {
    "enable-wireguard": "WireGuard (Cilium)",
    "enable-ipsec": "IPsec (Cilium)",
}


def other_facts(view: View) -> list[OtherMesh]:
    """Each mesh or encryption once, with the first object that shows it."""
    found: dict[str, OtherMesh] = {}
    for manifest, name, gives, place in _signs(view):
        note = f"{name} is in use"
        because = [Evidence(manifest.id, place, note)]
        found.setdefault(name, OtherMesh(manifest.ref, name, gives, because))
    return [found[name] for name in sorted(found)]


def _signs(view: View) -> Iterator[tuple[Manifest, str, _Gives, str]]:
    for manifest in view.inventory:
        if manifest.group in _GROUPS:
            yield manifest, _GROUPS[manifest.group], "mutual_tls", "/kind"
        for field in ("labels", "annotations"):
            for key, name in _marked(manifest.metadata.get(field)):
                yield manifest, name, "mutual_tls", "/metadata" + pointer(field, key)
    for workload in view.inventory.workloads:
        place = workload.pod_metadata_pointer
        for field, held in (("labels", workload.labels), ("annotations", workload.annotations)):
            for key, name in _marked(held):
                yield workload.manifest, name, "mutual_tls", place + pointer(field, key)
    yield from _plugins(view)
    yield from _cilium_authentication(view)
    yield from _consul(view)


def _marked(held: object) -> Iterator[tuple[str, str]]:
    """The keys that mark a member of another mesh, with its name."""
    if isinstance(held, dict) and not _KEYS.isdisjoint(held):
        for (key, value), name in _MARKS.items():
            if held.get(key) == value:
                yield key, name


def _plugins(view: View) -> Iterator[tuple[Manifest, str, _Gives, str]]:
    for manifest in view.inventory.of("ConfigMap"):
        if manifest.name == "cilium-config":
            data = strings(manifest.object.get("data"))
            for key, name in _CILIUM.items():
                if data.get(key) == "true":
                    yield manifest, name, "node_encryption", pointer("data", key)
    for manifest in view.inventory.of("FelixConfiguration", "crd.projectcalico.org"):
        for key in ("wireguardEnabled", "wireguardEnabledV6"):
            if manifest.spec.get(key) is True:
                yield manifest, "WireGuard (Calico)", "node_encryption", pointer("spec", key)


def _cilium_authentication(view: View) -> Iterator[tuple[Manifest, str, _Gives, str]]:
    """Rules that ask for `authentication.mode: required`."""
    for kind in ("CiliumNetworkPolicy", "CiliumClusterwideNetworkPolicy"):
        for manifest in view.inventory.of(kind, "cilium.io"):
            for field in ("ingress", "egress"):
                for number, rule in enumerate(sequence(manifest.spec.get(field))):
                    wanted = strings(mapping(rule).get("authentication")).get("mode")
                    if wanted == "required":
                        place = pointer("spec", field, number, "authentication", "mode")
                        yield manifest, "Cilium's mutual authentication", "authentication", place


def _consul(view: View) -> Iterator[tuple[Manifest, str, _Gives, str]]:
    """Settings that let plaintext into Consul's mesh."""
    for kind in ("ProxyDefaults", "ServiceDefaults"):
        for manifest in view.inventory.of(kind, "consul.hashicorp.com"):
            if manifest.spec.get("mutualTLSMode") == "permissive":
                name = f"Consul, permissive by {kind} {manifest.name}"
                yield manifest, name, "permissive_tls", "/spec/mutualTLSMode"
