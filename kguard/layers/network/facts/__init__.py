# SPDX-License-Identifier: Apache-2.0
"""What is effectively so: who can open which port of whom, and what was meant?"""

from __future__ import annotations

from kguard.inventory import Inventory
from kguard.layers.network.facts.elsewhere import api_marks
from kguard.layers.network.facts.flows import Parties, judged
from kguard.layers.network.facts.openings import Openings
from kguard.layers.network.facts.policies import Policies, namespaces
from kguard.layers.network.facts.references import References
from kguard.layers.network.facts.summary import MARKS, Openness
from kguard.layers.network.facts.workloads import Workloads, published_ports, served_ports
from kguard.layers.network.intent import Names, intended
from kguard.layers.network.semantics.cluster import Cluster
from kguard.layers.network.semantics.profiles import profile_of
from kguard.model.facts.common import Evidence, Presence, Truth
from kguard.model.facts.network import Facts, Plugin
from kguard.model.findings import LayerCoverage
from kguard.model.layer import Request


def compute(inventory: Inventory, request: Request) -> Facts:
    """The facts document of the network layer."""
    names = Names(inventory)
    flows = intended(names)
    parties = Parties(flows)
    whole = request.scope == "cluster"
    marks = (*MARKS, *parties.marks, *api_marks(inventory))

    def under(plugin: str) -> Openness:
        profile = profile_of(plugin)
        return Openness(Cluster(inventory, profile, marks=marks, extra=parties.extra, whole=whole))

    openness = under(inventory.value("cni"))
    cluster = openness.cluster
    served = served_ports(cluster.workloads, names.services)
    published = published_ports(cluster.workloads, flows)
    openings = Openings(cluster, flows, served)
    return Facts(
        scope=request.scope,
        presence=_presence(inventory, cluster),
        plugin=_plugin(inventory, cluster),
        workloads=Workloads(openness, served, published, openings).every(),
        namespaces=namespaces(cluster),
        policies=Policies(cluster, References(cluster, flows), whole=whole).every(),
        flows=judged(flows, parties, openness, under),
    )


def _presence(inventory: Inventory, cluster: Cluster) -> Presence:
    if cluster.workloads:
        return "present"
    return "unknown" if inventory.unknown_kinds("Pod") else "absent"


def _plugin(inventory: Inventory, cluster: Cluster) -> Plugin:
    entry = inventory.assumed.get("cni")
    enforces: dict[str, Truth] = {"yes": "true", "no": "false", "unknown": "unknown"}
    name = entry.value if entry else "generic"
    basis = (entry.because or entry.how) if entry else "assumed"
    note = f"network plugin {name}, known by {basis}"
    agents = [m for m in inventory.of("DaemonSet", "apps") if str(m.ref) == basis]
    return Plugin(
        name=name,
        enforces=enforces[cluster.profile.enforces],
        basis=basis,
        because=[Evidence(m.id, "/metadata/name", note) for m in agents] or [Evidence(note=note)],
    )


def coverage(facts: Facts) -> LayerCoverage:
    """How many workloads were judged with certainty in both directions."""
    total = len(facts.workloads)
    certain = sum(
        1
        for workload in facts.workloads
        if "unknown" not in (workload.ingress.isolation, workload.egress.isolation)
    )
    if facts.presence == "unknown":
        return LayerCoverage("unknown", 0, 0, "workloads", "workloads could not be read")
    if not total:
        return LayerCoverage("no_evidence", 0, 0, "workloads", "no workload in the input")
    note = "" if certain == total else "policies that are not evaluated take part in the rest"
    if not certain:
        return LayerCoverage("unknown", 0, total, "workloads", note)
    return LayerCoverage("evaluated", certain, total, "workloads", note)
