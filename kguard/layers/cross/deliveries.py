# SPDX-License-Identifier: Apache-2.0
"""Do the alerts of Falco get through network policies and mutual TLS to who receives them?

The runtime layer knows where alerts are sent, the network layer whether the connection is let
through, the mtls layer what the receiver takes and whether Falco has a proxy.
"""

from __future__ import annotations

from kguard.model.facts import cross, mtls, network, runtime
from kguard.model.facts.common import Evidence
from kguard.model.manifests import ObjectRef

_VERDICTS = {"allowed": "arrives", "blocked": "blocked"}


def deliveries(falco: runtime.Facts, net: network.Facts, mesh: mtls.Facts) -> list[cross.Delivery]:
    """The way to each workload that receives alerts."""
    found = [_delivery(receiver, net, mesh) for receiver in falco.receivers]
    return sorted(found, key=lambda way: (way.ref, way.receiver, way.port))


def _delivery(receiver: runtime.Receiver, net: network.Facts, mesh: mtls.Facts) -> cross.Delivery:
    state, because = _through_policies(receiver, net)
    if state == "arrives" and (refusal := _refused(receiver, mesh)):
        state, because = "refused", refusal
    return cross.Delivery(
        ref=receiver.installation,
        receiver=receiver.workload,
        port=receiver.port,
        state=state,  # type: ignore[arg-type]  # one of its values
        because=[*because, *receiver.because],
    )


def _through_policies(receiver: runtime.Receiver, net: network.Facts) -> tuple[str, list[Evidence]]:
    source, target = _short(receiver.installation), _short(receiver.workload)
    for flow in net.flows:
        ends = (flow.source, flow.target) == (source, target)
        if ends and flow.port == f"{receiver.port}/TCP":
            return _VERDICTS.get(flow.verdict, "unknown"), flow.because
    return "unknown", []


def _refused(receiver: runtime.Receiver, mesh: mtls.Facts) -> list[Evidence]:
    """Why the receiver's proxy refuses plaintext, if it does and Falco sends it."""
    workloads = {workload.ref: workload for workload in mesh.workloads}
    sender, taker = workloads.get(receiver.installation), workloads.get(receiver.workload)
    if sender is None or taker is None or sender.plane != "none":
        return []
    for wanted in (str(receiver.port), "other"):
        for ports in taker.modes:
            if wanted in ports.ports and ports.protocol == "TCP":
                return [*ports.because, *sender.because] if ports.effective == "strict" else []
    return []


def _short(ref: ObjectRef) -> str:
    return f"{ref.namespace}/{ref.name}"
