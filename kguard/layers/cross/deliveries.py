# SPDX-License-Identifier: Apache-2.0
"""Do the alerts of Falco get through network policies and mutual TLS to who receives them?

The runtime layer knows where alerts are sent, the network layer whether the connection is let
through, the mtls layer what the receiver takes and whether the sender has a proxy. The way from a
Falcosidekick to a workload that it sends to is a part of the way of the alerts.
"""

from __future__ import annotations

from kguard.layers.cross.passage import Passages
from kguard.model.facts import cross, mtls, runtime
from kguard.model.facts.common import Evidence


def deliveries(falco: runtime.Facts, passages: Passages, mesh: mtls.Facts) -> list[cross.Delivery]:
    """The way to each workload that receives alerts."""
    found = [_delivery(receiver, passages, mesh) for receiver in falco.receivers]
    return sorted(found, key=lambda way: (way.ref, way.sender, way.receiver, way.port))


def _delivery(receiver: runtime.Receiver, passages: Passages, mesh: mtls.Facts) -> cross.Delivery:
    state: cross.DeliveryState
    state, because = passages.between(receiver.sender, receiver.workload, receiver.port)
    if state == "arrives" and (refusal := _refused(receiver, mesh)):
        state, because = "refused", refusal
    return cross.Delivery(
        ref=receiver.installation,
        sender=receiver.sender,
        receiver=receiver.workload,
        port=receiver.port,
        state=state,
        because=[*because, *receiver.because],
    )


def _refused(receiver: runtime.Receiver, mesh: mtls.Facts) -> list[Evidence]:
    """Why the receiver's proxy refuses plaintext, if it does and that is what is sent."""
    workloads = {workload.ref: workload for workload in mesh.workloads}
    sender, taker = workloads.get(receiver.sender), workloads.get(receiver.workload)
    if sender is None or taker is None or sender.plane != "none":
        return []
    for wanted in (str(receiver.port), "other"):
        for ports in taker.modes:
            if wanted in ports.ports and ports.protocol == "TCP":
                return [*ports.because, *sender.because] if ports.effective == "strict" else []
    return []
