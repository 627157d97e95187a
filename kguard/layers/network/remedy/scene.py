# SPDX-License-Identifier: Apache-2.0
"""What do all remedies of the layer look at: workloads, their flows, the policies that exist?"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from kguard.inventory import Inventory, Workload
from kguard.layers.network.facts.flows import Parties
from kguard.layers.network.facts.summary import MARKS, Openness
from kguard.layers.network.intent import Flow, intended
from kguard.layers.network.intent.names import Names
from kguard.layers.network.remedy.peers import Labels
from kguard.layers.network.semantics.cluster import Cluster
from kguard.layers.network.semantics.profiles import profile_of
from kguard.layers.network.semantics.services import Service
from kguard.model.findings import Finding
from kguard.model.locations import pointer_tokens
from kguard.model.manifests import ObjectRef, mapping
from kguard.model.remedies import RemedyRequest

_MAX_NAME = 63


class Scene:
    """The inventory of a request, seen as workloads and connections."""

    def __init__(self, request: RemedyRequest) -> None:
        self.request = request
        self.inventory: Inventory = request.inventory
        self.workloads: list[Workload] = self.inventory.workloads
        self.names = Names(self.inventory)
        self.flows = intended(self.names)
        self._into: dict[int, list[Flow]] = {}
        self._out_of: dict[int, list[Flow]] = {}
        for flow in self.flows:
            self._into.setdefault(flow.target.index, []).append(flow)
            self._out_of.setdefault(flow.source.index, []).append(flow)
        self._open_metadata = {
            workload.ref
            for workload in request.facts.workloads
            if workload.egress.metadata.reach == "everything"
        }
        self._index: dict[ObjectRef, int] = {
            workload.ref: index for index, workload in enumerate(self.workloads)
        }
        self.labels = Labels(self.workloads)
        self._taken = {
            (manifest.namespace, manifest.name)
            for manifest in self.inventory.of("NetworkPolicy", "networking.k8s.io")
        }

    @cached_property
    def openness(self) -> Openness:
        """Answers about what is open at present."""
        parties = Parties(self.flows)
        whole = self.request.facts.scope == "cluster"
        profile = profile_of(self.inventory.value("cni"))
        cluster = Cluster(
            self.inventory,
            profile,
            marks=(*MARKS, *parties.marks),
            extra=parties.extra,
            whole=whole,
        )
        return Openness(cluster)

    @cached_property
    def _served(self) -> frozenset[int]:
        return frozenset(index for service in self.services for index in service.workloads)

    @property
    def services(self) -> list[Service]:
        """The Services of the input."""
        return self.names.services

    def by_workload(self, findings: Iterable[Finding]) -> dict[int, list[str]]:
        """The fingerprints of findings by the workload (index) that they are about."""
        found: dict[int, list[str]] = {}
        for finding in findings:
            index = self._index.get(finding.target)
            if index is not None:
                found.setdefault(index, []).append(finding.fingerprint)
        return dict(sorted(found.items()))

    def into(self, index: int) -> list[Flow]:
        """The intended connections to a workload."""
        return list(self._into.get(index, ()))

    def out_of(self, index: int) -> list[Flow]:
        """The intended connections of a workload."""
        return list(self._out_of.get(index, ()))

    def reaches_metadata(self, index: int) -> bool:
        """Whether a workload can open every port of the metadata service at present."""
        return self.workloads[index].ref in self._open_metadata

    def has_metadata(self, index: int) -> bool:
        """Whether the pod template of a workload has a metadata field."""
        workload = self.workloads[index]
        found: object = workload.manifest.object
        for token in pointer_tokens(workload.pod_metadata_pointer):
            found = mapping(found).get(token)
        return isinstance(found, dict)

    def has_service(self, index: int) -> bool:
        """Whether a Service leads to a workload."""
        return index in self._served

    def name(self, namespace: str, wanted: str) -> str:
        """A name for a new policy that no other one has."""
        short = wanted[:_MAX_NAME].rstrip("-.")
        name, number = short, 2
        while (namespace, name) in self._taken:
            name, number = f"{short}-{number}", number + 1
        self._taken.add((namespace, name))
        return name
