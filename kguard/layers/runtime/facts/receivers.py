# SPDX-License-Identifier: Apache-2.0
"""Which workloads of the input does a Falco send its alerts to?"""

from __future__ import annotations

import re
from collections.abc import Iterator

from kguard.inventory import Inventory, Workload
from kguard.layers.runtime.facts.delivery import service_of, written
from kguard.layers.runtime.facts.falco import Falco
from kguard.model.facts import runtime as model
from kguard.model.manifests import Manifest, mapping, sequence, strings

_PORT = re.compile(r"https?://[^/:]+:(\d{1,5})(?:/.*)?", re.ASCII)


def receivers(inventory: Inventory, falco: Falco) -> Iterator[model.Receiver]:
    """The workloads behind the Service that the HTTP output names."""
    output = falco.settings.output("http")
    service = service_of(inventory, falco, output.target) if output.enabled else None
    if service is None:
        return
    selector = strings(mapping(service.spec.get("selector")))
    for workload in inventory.workloads_by_namespace.get(service.namespace, []):
        if selector and selector.items() <= workload.labels.items():
            port = _pod_port(service, _port(output.target), workload)
            if port:
                note = f"alerts are sent to {output.target}"
                because = [written(falco, "http_output", note)]
                yield model.Receiver(falco.ref, workload.ref, port, because)


def _port(url: str) -> int:
    found = _PORT.fullmatch(url)
    if found:
        return int(found[1])
    return 443 if url.startswith("https") else 80


def _pod_port(service: Manifest, port: int, workload: Workload) -> int:
    """The port of the pods behind a port of the Service; 0 where there is none."""
    for entry in map(mapping, sequence(service.spec.get("ports"))):
        if entry.get("port") != port:
            continue
        target = entry.get("targetPort", port)
        if isinstance(target, str):
            named = (p.number for c in workload.containers for p in c.ports if p.name == target)
            return next(named, 0)
        return target if isinstance(target, int) else 0
    return 0
