# SPDX-License-Identifier: Apache-2.0
"""Which objects lie beside a kustomization that does not list their file?

`kubectl apply -k`, Argo CD and Flux apply what a kustomization lists and nothing else of its
folder; `kubectl apply -f` and tools such as Skaffold may apply the file all the same.
"""

from __future__ import annotations

from kguard.inventory import Inventory
from kguard.layers.manifests.facts.places import weight, written
from kguard.model.facts.common import Evidence
from kguard.model.facts.manifests import Unlisted

_KUSTOMIZE = "kustomize.config.k8s.io"


def unlisted(inventory: Inventory) -> list[Unlisted]:
    """All of them, by object."""
    found = [
        Unlisted(
            ref=manifest.ref,
            subject=str(manifest.ref),
            weight=weight(manifest),
            kustomization=manifest.text.unlisted_by,
            because=[Evidence(manifest.id, "/metadata/name", "no kustomization lists the file")],
        )
        for manifest in written(inventory)
        if manifest.text.unlisted_by and manifest.group != _KUSTOMIZE
    ]
    return sorted(found, key=lambda one: (one.ref, one.kustomization))
