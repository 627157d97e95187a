# SPDX-License-Identifier: Apache-2.0
"""What is effectively so about mutual TLS in this input?"""

from __future__ import annotations

from kguard.inventory import Inventory
from kguard.layers.mtls.facts.callers import caller_facts
from kguard.layers.mtls.facts.certificates import certificate_facts
from kguard.layers.mtls.facts.events import event_facts
from kguard.layers.mtls.facts.expiry import bundle_facts, expiry_facts
from kguard.layers.mtls.facts.gateways import gateway_facts
from kguard.layers.mtls.facts.hazards import authorization_facts, headless_facts
from kguard.layers.mtls.facts.intended import edge_facts, ways
from kguard.layers.mtls.facts.knative import knative_facts
from kguard.layers.mtls.facts.linkerd import linkerd_facts
from kguard.layers.mtls.facts.namespaces import mesh_facts, namespace_facts
from kguard.layers.mtls.facts.others import other_facts
from kguard.layers.mtls.facts.policies import policy_facts
from kguard.layers.mtls.facts.rules import rule_facts
from kguard.layers.mtls.facts.view import View
from kguard.layers.mtls.facts.workloads import workload_facts
from kguard.model.facts import mtls as model
from kguard.model.findings import LayerCoverage
from kguard.model.layer import Request

__all__ = ["compute", "coverage"]


def compute(inventory: Inventory, request: Request) -> model.Facts:
    """The facts document; empty collections where the input shows no mesh."""
    view = View(inventory, request)
    presence = view.mesh.presence
    if presence != "present":
        return model.Facts(
            scope=request.scope,
            presence=presence,
            mesh=mesh_facts(view),
            others=other_facts(view),
            linkerd=linkerd_facts(view),
            knative=knative_facts(view, {}),
        )
    workloads = {w.id: workload_facts(view, w) for w in inventory.workloads}
    found = ways(view, workloads)
    here: dict[str, list[model.Workload]] = {}
    for fact in workloads.values():
        here.setdefault(fact.ref.namespace, []).append(fact)
    return model.Facts(
        scope=request.scope,
        presence=presence,
        mesh=mesh_facts(view),
        others=other_facts(view),
        linkerd=linkerd_facts(view),
        namespaces=[namespace_facts(view, name, facts) for name, facts in sorted(here.items())],
        workloads=sorted(workloads.values(), key=lambda fact: fact.ref),
        policies=[policy_facts(view, manifest) for manifest in view.manifests],
        callers=caller_facts(view, workloads, found),
        edges=edge_facts(found),
        rules=rule_facts(view, workloads),
        headless=headless_facts(view, workloads),
        authorization=authorization_facts(view, workloads),
        knative=knative_facts(view, workloads),
        gateways=gateway_facts(view),
        certificates=certificate_facts(view),
        expiries=expiry_facts(view),
        trust_bundles=bundle_facts(view),
        events=event_facts(view),
    )


def coverage(facts: model.Facts) -> LayerCoverage:
    """How many workloads were judged with certainty."""
    if facts.presence == "absent" and facts.linkerd:
        return _linkerd(facts)
    kinds = ("mutual_tls", "permissive_tls")
    meshes = [other.name for other in facts.others if other.gives in kinds]
    if facts.presence == "absent" and meshes:
        note = f"{', '.join(meshes)}: seen, its modes are not evaluated"
        return LayerCoverage("not_evaluated", 0, 0, "workloads", note)
    if facts.presence == "absent":
        note = "no mesh object and no mesh label in the input"
        return LayerCoverage("no_evidence", 0, 0, "workloads", note)
    if facts.presence == "unknown":
        return LayerCoverage("unknown", 0, 0, "workloads", "mesh objects could not be read")
    total = len(facts.workloads)
    unknown = sum(
        any(group.effective == "unknown" for group in workload.modes)
        for workload in facts.workloads
    )
    outside = sum(workload.plane == "none" for workload in facts.workloads)
    if total and unknown == total:
        note = "whether its workloads are in the mesh cannot be told"
        return LayerCoverage("unknown", 0, total, "workloads", note)
    note = f"{outside} not in the mesh" if outside else ""
    return LayerCoverage("evaluated", total - unknown, total, "workloads", note)


def _linkerd(facts: model.Facts) -> LayerCoverage:
    total = len(facts.linkerd)
    unknown = sum(
        fact.meshed == "unknown" or any(group.accepts == "unknown" for group in fact.modes)
        for fact in facts.linkerd
    )
    return LayerCoverage("evaluated", total - unknown, total, "workloads", "meshed by Linkerd")
