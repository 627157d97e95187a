# SPDX-License-Identifier: Apache-2.0
"""Which namespaces are there, and with which labels?

Every namespace carries `kubernetes.io/metadata.name`: the API server sets it
(pkg/registry/core/namespace/strategy.go), so that it is added where a manifest lacks it.
"""

from __future__ import annotations

from kguard.inventory.index import NAME_LABEL, Inventory, Namespace


def namespaces(inventory: Inventory) -> dict[str, Namespace]:
    """Every namespace that is defined, named by an object, or part of every cluster."""
    names = {manifest.namespace for manifest in inventory.manifests if manifest.namespace}
    found = {name: Namespace(name, {NAME_LABEL: name}, known=False) for name in names}
    for kind, group in (("Project", "project.openshift.io"), ("Namespace", "")):
        for manifest in inventory.of(kind, group):
            labels = {**manifest.labels, NAME_LABEL: manifest.name}
            found[manifest.name] = Namespace(manifest.name, labels, known=True, manifest=manifest)
    return dict(sorted(found.items()))
