# SPDX-License-Identifier: Apache-2.0
"""Is anybody behind a Service?

Authority: k8s.io/api discovery/v1 types.go: a Service's EndpointSlices carry its name in a label,
and an endpoint whose condition `ready` is not said is ready.
"""

from __future__ import annotations

from kguard.inventory.index import Inventory
from kguard.model.manifests import mapping, sequence

_SLICE_LABEL = "kubernetes.io/service-name"


def silent(inventory: Inventory, namespace: str, service: str) -> bool:
    """Whether the input holds the endpoints of a Service, and none of them is ready.

    Args:
        inventory: of a cluster; manifests that people write hold no endpoints.
        namespace: of the Service.
        service: its name.
    """
    slices = [
        manifest
        for manifest in inventory.of("EndpointSlice", "discovery.k8s.io")
        if manifest.namespace == namespace and manifest.labels.get(_SLICE_LABEL) == service
    ]
    return bool(slices) and not any(
        mapping(mapping(endpoint).get("conditions")).get("ready") is not False
        for manifest in slices
        for endpoint in sequence(manifest.object.get("endpoints"))
    )
