# SPDX-License-Identifier: Apache-2.0
"""What is there once manifests are applied on top of a cluster?

An object of the overlay replaces the one of the same identity as a whole, and what a replaced
object controls goes with it: after a roll-out those ReplicaSets and Pods are others
(https://kubernetes.io/docs/concepts/architecture/garbage-collection/#owners-dependents).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from kguard.model.manifests import Manifest, sequence, strings


def applied(manifests: Sequence[Manifest]) -> list[Manifest]:
    """The manifests with those of the overlay in place of what they replace.

    Args:
        manifests: all manifests, each with its effective namespace and id.
    """
    top = [manifest for manifest in manifests if manifest.text.overlay]
    if not top:
        return list(manifests)
    base = [manifest for manifest in manifests if not manifest.text.overlay]
    return without(base, {manifest.id for manifest in top}) + top


def without(manifests: Iterable[Manifest], ids: Iterable[str]) -> list[Manifest]:
    """The manifests without some, by id, and without everything that these control."""
    kept = list(manifests)
    dependents: dict[str, list[str]] = {}
    for manifest in kept:
        for owner in owners(manifest):
            dependents.setdefault(owner, []).append(manifest.id)
    gone: set[str] = set()
    pending = list(ids)
    while pending:
        one = pending.pop()
        if one not in gone:
            gone.add(one)
            pending += dependents.get(one, ())
    return [manifest for manifest in kept if manifest.id not in gone]


def owners(manifest: Manifest) -> Iterator[str]:
    """The ids of the owners: of the same namespace, or of none."""
    for owner in sequence(manifest.metadata.get("ownerReferences")):
        fields = strings(owner)
        group = fields.get("apiVersion", "").rpartition("/")[0]
        kind = f"{fields.get('kind', '')}.{group}" if group else fields.get("kind", "")
        for namespace in {manifest.namespace or "-", "-"}:
            yield f"{kind}/{namespace}/{fields.get('name', '')}"
