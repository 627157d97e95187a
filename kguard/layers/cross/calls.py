# SPDX-License-Identifier: Apache-2.0
"""Do intended calls get through network policies on the way that the mesh takes?

The mtls layer knows what the client's proxy sends; a tunnel of the ambient mesh arrives at port
15008, whatever port is called. The network layer knows whether policies let that connection
through. Authority: istio.io "Ambient and Kubernetes NetworkPolicy".
"""

from __future__ import annotations

from kguard.layers.cross.passage import Passages
from kguard.model.facts import cross, mtls

_TUNNEL_PORT = "15008"


def calls(passages: Passages, mesh: mtls.Facts) -> list[cross.Call]:
    """The way of each intended call between workloads of the mesh."""
    found = [_call(edge, passages) for edge in mesh.edges]
    return sorted(found, key=lambda call: (call.ref, call.server, call.port, call.service))


def _call(edge: mtls.Edge, passages: Passages) -> cross.Call:
    way = _TUNNEL_PORT if edge.sends == "hbone" else edge.port
    state, because = passages.between(edge.client, edge.server, way)
    return cross.Call(
        ref=edge.client,
        server=edge.server,
        port=edge.port,
        service=edge.service,
        way=way,
        state=state,
        because=because if state == "blocked" else [],
    )
