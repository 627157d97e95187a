# SPDX-License-Identifier: Apache-2.0
"""How are objects, files and places inside them called in these facts?"""

from __future__ import annotations

from collections.abc import Iterator

from kguard.inventory import Inventory
from kguard.model.facts.manifests import Weight
from kguard.model.locations import pointer_tokens
from kguard.model.manifests import JsonObject, Manifest, ObjectRef, mapping, sequence

_SECURITY_GROUPS = frozenset(
    {
        "admissionregistration.k8s.io",
        "artifact.falcosecurity.dev",
        "audit.k8s.io",
        "cilium.io",
        "crd.projectcalico.org",
        "instance.falcosecurity.dev",
        "kyverno.io",
        "policies.kyverno.io",
        "policy.networking.k8s.io",
        "policy.sigstore.dev",
        "projectcalico.org",
        "rbac.authorization.k8s.io",
        "security.istio.io",
    }
)
_SECURITY_KINDS = frozenset({"NetworkPolicy", "PodSecurityPolicy"})


def weight(manifest: Manifest) -> Weight:
    """Whether an object is itself a protection."""
    security = manifest.group in _SECURITY_GROUPS or manifest.kind in _SECURITY_KINDS
    if manifest.kind == "DestinationRule":
        security = _sets_tls(mapping(manifest.spec.get("trafficPolicy")))
    return "security" if security else "other"


def _sets_tls(policy: JsonObject) -> bool:
    ports = [mapping(entry) for entry in sequence(policy.get("portLevelSettings"))]
    return any("tls" in settings for settings in (policy, *ports))


def path(pointer: str) -> str:
    """A JSON pointer by names: `/spec/ingress/0/from` is `spec.ingress.from`."""
    return ".".join(token for token in pointer_tokens(pointer) if not token.isdecimal())


def file_ref(name: str) -> ObjectRef:
    """The target of a finding about a file that holds no object."""
    return ObjectRef(kind="File", name=name)


def written(inventory: Inventory) -> Iterator[Manifest]:
    """Every definition that was read from files: what a cluster holds is stored already."""
    for manifest in (*inventory.manifests, *inventory.shadowed):
        if not manifest.text.cluster:
            yield manifest
