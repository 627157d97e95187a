# SPDX-License-Identifier: Apache-2.0
"""Which connections does the mesh need besides those of the applications?

Authority: istio.io "Application requirements" (a sidecar fetches its configuration from istiod on
15012) and "Ambient and Kubernetes NetworkPolicy" (requests between enrolled pods arrive at 15008,
for sidecars that ambient pods call, too); istio/api mesh/v1alpha1 config.proto (tracing and
access-log providers by Service and port), security/v1beta1 authorization_policy.proto (ALLOW rules
name callers by service account or namespace).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kguard.inventory import Workload
from kguard.inventory.mentions import Mention
from kguard.inventory.mesh import Mesh
from kguard.inventory.meshconfig import providers
from kguard.layers.network.intent.model import Flow, Target, flows, pods
from kguard.layers.network.intent.names import Names
from kguard.layers.network.intent.targets import targets
from kguard.layers.network.semantics.ports import port_number
from kguard.model.facts.common import Evidence
from kguard.model.locations import pointer
from kguard.model.manifests import JsonObject, Manifest, mapping, sequence, strings

XDS_PORT = 15012
HBONE_PORT = 15008
_PLANES = ("sidecar", "ambient")


def mesh_flows(names: Names, found: Sequence[Flow]) -> Iterator[Flow]:
    """Sidecars to istiod and to exporters, and the tunnel under the connections found so far."""
    if not any(group.endswith("istio.io") for group in names.inventory.groups):
        return
    mesh = Mesh(names.inventory)
    planes = [mesh.enrolment(workload) for workload in names.workloads]
    yield from _callers(names, [p.plane in _PLANES for p in planes])
    istiod = pods("istiod", mesh.root, app="istiod")
    exporters = list(_exporters(names, mesh.root))
    for index, enrolled in enumerate(planes):
        if enrolled.plane != "sidecar":
            continue
        workload, source = names.workloads[index], names.parties[index]
        place = enrolled.because[0] if enrolled.because else Evidence(workload.id)
        note = f"the sidecar of {workload.name} gets its configuration from istiod"
        because = Evidence(place.ref, place.pointer, note)
        yield Flow(source, istiod, "TCP", XDS_PORT, "mesh", because)
        for target, where in exporters:
            yield from flows(source, [target], where)
    yield from _tunnels([p.plane for p in planes], found)


def _tunnels(planes: Sequence[str], found: Sequence[Flow]) -> Iterator[Flow]:
    """Connections between enrolled pods, one of them ambient, run inside port 15008."""
    for flow in found:
        if flow.source.kind == flow.target.kind == "workload" and flow.protocol == "TCP":
            ends = {planes[flow.source.index], planes[flow.target.index]}
            if "ambient" in ends and ends <= set(_PLANES):
                note = f"{flow.because.note}; the ambient mesh carries it in a tunnel"
                place = Evidence(flow.because.ref, flow.because.pointer, note)
                yield Flow(flow.source, flow.target, "TCP", HBONE_PORT, "mesh", place)


def _exporters(names: Names, root: str) -> Iterator[tuple[Target, Evidence]]:
    """Where sidecars send traces and logs."""
    for ref, place, host, port in providers(names.inventory):
        because = Evidence(ref, place, "sidecars send traces or logs to it")
        for target in targets(names, Mention(host, port), root):
            yield Target(target.party, target.protocol, target.port, "mesh", target.note), because


def _callers(names: Names, enrolled: Sequence[bool]) -> Iterator[Flow]:
    """Callers that ALLOW policies welcome by name."""
    for manifest in names.inventory.of("AuthorizationPolicy", "security.istio.io"):
        if manifest.spec.get("action", "ALLOW") != "ALLOW":
            continue
        labels = strings(mapping(manifest.spec.get("selector")).get("matchLabels"))
        chosen = [
            index
            for index, workload in enumerate(names.workloads)
            if workload.namespace == manifest.namespace
            and enrolled[index]
            and labels.items() <= workload.labels.items()
        ]
        for number, rule in enumerate(map(mapping, sequence(manifest.spec.get("rules")))):
            yield from _rule(names, manifest, number, rule, chosen)


def _rule(
    names: Names, manifest: Manifest, number: int, rule: JsonObject, chosen: Sequence[int]
) -> Iterator[Flow]:
    note = f"AuthorizationPolicy {manifest.name} welcomes it"
    place = Evidence(manifest.id, pointer("spec", "rules", number, "from"), note)
    principals = {
        value
        for entry in sequence(rule.get("from"))
        for value in sequence(mapping(mapping(entry).get("source")).get("principals"))
        if isinstance(value, str)
    }
    for index, workload in enumerate(names.workloads):
        if principals and _account(workload) & principals:
            for other in chosen:
                found = _ports(names.workloads[other], rule)
                party = names.parties[other]
                reached = [Target(party, "TCP", port, "mesh") for port in found]
                yield from flows(names.parties[index], reached, place)


def _account(workload: Workload) -> set[str]:
    path = f"ns/{workload.namespace}/sa/{workload.service_account}"
    return {f"cluster.local/{path}", f"*/{path}"}


def _ports(workload: Workload, rule: JsonObject) -> list[int]:
    """The ports that a rule names; those that the pods declare where it names none."""
    named = {
        port_number(value)
        for entry in sequence(rule.get("to"))
        for value in sequence(mapping(mapping(entry).get("operation")).get("ports"))
        if isinstance(value, str) and port_number(value)
    }
    return sorted(named or {p.number for p in workload.ports if p.protocol == "TCP"})
