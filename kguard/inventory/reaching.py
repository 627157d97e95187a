# SPDX-License-Identifier: Apache-2.0
"""Which objects reach into other namespaces, and whom do they select there?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from kguard.inventory.applications import SYSTEM, pod_metadata
from kguard.inventory.selectors import (
    InvalidSelectorError,
    Selector,
    match_labels,
    parse_selector,
)
from kguard.model.manifests import Manifest, mapping, sequence, strings

ANYWHERE = frozenset({("PeerAuthentication", "security.istio.io")})
"""Kinds of applications that show to the whole cluster what it has."""

_REACHING = frozenset(
    {
        "cilium.io",
        "config.openshift.io",
        "config.ratify.deislabs.io",
        "constraints.gatekeeper.sh",
        "crd.projectcalico.org",
        "k8s.cni.cncf.io",
        "kyverno.io",
        "policies.kyverno.io",
        "policy.linkerd.io",
        "policy.networking.k8s.io",
        "policy.sigstore.dev",
        "projectcalico.org",
    }
)
"""Groups whose objects select pods of all namespaces, by labels, names or images: whether they
still select any can depend on every workload."""

_CONNAISSEUR = "-app-config"
"""How the ConfigMap ends in whose patterns Connaisseur looks for images of all namespaces."""

POLICY = ("NetworkPolicy", "networking.k8s.io")
Peer = tuple[Selector | None, Selector | None]
"""Selectors of namespaces and of their pods; None for whatever they select."""


def peers_of(policy: Manifest) -> Iterator[Peer]:
    """The peers of a policy that may be in other namespaces."""
    for rules, ends in (("ingress", "from"), ("egress", "to")):
        for rule in sequence(policy.spec.get(rules)):
            for end in map(mapping, sequence(mapping(rule).get(ends))):
                if "namespaceSelector" in end:
                    yield selector_of(end["namespaceSelector"]), selector_of(end.get("podSelector"))


def own_peers_of(policy: Manifest) -> Iterator[Selector | None]:
    """The peers of a policy in its own namespace."""
    for rules, ends in (("ingress", "from"), ("egress", "to")):
        for rule in sequence(policy.spec.get(rules)):
            for end in map(mapping, sequence(mapping(rule).get(ends))):
                if "namespaceSelector" not in end and "podSelector" in end:
                    yield selector_of(end["podSelector"])


def plain_selector(value: Any) -> Selector | None:
    """What a plain map of labels selects; None for whatever it is."""
    try:
        return match_labels(value) if value else None
    except InvalidSelectorError:
        return None


def selector_of(value: Any) -> Selector | None:
    """What a label selector selects; None for whatever it is."""
    try:
        return parse_selector(value)
    except InvalidSelectorError:
        return None


MESHED = re.compile("istio|linkerd")
"""Labels of namespaces that a mesh takes."""


def shows_mesh(manifest: Manifest) -> bool:
    """Whether an object shows that there is a mesh, whoever is in it."""
    if (manifest.kind, manifest.group) in ANYWHERE:
        return True
    return strings(pod_metadata(manifest).get("labels")).get("app") == "istiod"


def reaches(manifest: Manifest) -> bool:
    """Whether an object may select pods of any namespace."""
    if manifest.group in _REACHING:
        return True
    if manifest.kind == "ConfigMap" and manifest.name.endswith(_CONNAISSEUR):
        return True
    system = not manifest.namespace or SYSTEM.fullmatch(manifest.namespace)
    return manifest.group == "security.istio.io" and bool(system and manifest.spec.get("selector"))
