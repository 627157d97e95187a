# SPDX-License-Identifier: Apache-2.0
"""What do all facts of this layer look at? Indexes over the inventory, built once for a scan."""

from __future__ import annotations

import re
from functools import cached_property

import msgspec

from kguard.inventory import Inventory, Workload, injection
from kguard.inventory.mesh import Enrolment, Mesh
from kguard.inventory.meshconfig import CaptureDefault, MeshConfig, capture_defaults, mesh_config
from kguard.inventory.selectors import InvalidSelectorError, Selector, parse_selector
from kguard.layers.mtls.facts.services import HTTPS, Service, api_references, service_of
from kguard.layers.mtls.semantics import peerauth, validation
from kguard.layers.mtls.semantics.ambient import AmbientIndex, ambient_index
from kguard.layers.mtls.semantics.destination import Rule, RuleIndex, parse_rule
from kguard.layers.mtls.semantics.peerauth import PeerAuthentication, PolicyIndex
from kguard.layers.mtls.semantics.routes import RouteIndex, Routes, parse_routes
from kguard.layers.mtls.semantics.sidecar import SidecarConfig, SidecarIndex, parse_sidecar
from kguard.layers.mtls.semantics.visibility import seen
from kguard.model.facts.mtls import Role
from kguard.model.layer import Request
from kguard.model.manifests import Manifest, sequence, strings

SECURITY = "security.istio.io"
NETWORKING = "networking.istio.io"
INGRESS_PROVIDER = "networking.knative.dev/ingress-provider"
_SYSTEM = ("kube-system", "kube-public", "kube-node-lease", "local-path-storage")
_CONTROL_PLANE = ("istiod", "ztunnel", "istio-cni-node", "istio-egressgateway-controller")


class View:
    """An inventory as the mtls layer sees it."""

    def __init__(self, inventory: Inventory, request: Request) -> None:
        self.inventory = inventory
        self.request = request
        self.mesh = Mesh(inventory, whole=request.scope == "cluster")
        self._indexes: dict[str, PolicyIndex] = {}
        self._rule_indexes: dict[str, RuleIndex] = {}
        self._sidecar_indexes: dict[str, SidecarIndex] = {}
        self._route_indexes: dict[str, RouteIndex] = {}
        self._enrolments: dict[str, Enrolment] = {}
        self._services: dict[str, list[Service]] = {}

    @cached_property
    def root(self) -> str:
        """The root namespace of the mesh."""
        return self.mesh.root

    @cached_property
    def config(self) -> MeshConfig:
        """The mesh's configuration, or Istio's defaults."""
        return mesh_config(self.inventory)

    @cached_property
    def manifests(self) -> list[Manifest]:
        """All PeerAuthentications."""
        return self.inventory.of("PeerAuthentication", SECURITY)

    @cached_property
    def policies(self) -> list[PeerAuthentication]:
        """The PeerAuthentications that the API server stores and istiod looks at."""
        return [
            self.parse(manifest)
            for manifest in self.manifests
            if self.discovered(manifest.namespace) and not validation.problems(manifest.object)
        ]

    def parse(self, manifest: Manifest) -> PeerAuthentication:
        """Read a PeerAuthentication; one that replaces a running one keeps the other's age."""
        policy = peerauth.parse(manifest.namespace, manifest.object, manifest.id)
        age = self._ages.get((manifest.namespace, manifest.name))
        if policy.created is None and age is not None:
            return msgspec.structs.replace(policy, created=age)
        return policy

    @cached_property
    def _ages(self) -> dict[tuple[str, str], int]:
        """When policies were created that the input defines anew."""
        found = {}
        for manifest in self.inventory.shadowed:
            if (manifest.kind, manifest.group) == ("PeerAuthentication", SECURITY):
                created = peerauth.seconds_of(manifest.metadata.get("creationTimestamp"))
                if created is not None:
                    found[manifest.namespace, manifest.name] = created
        return found

    def discovered(self, namespace: str) -> bool:
        """Whether istiod looks at a namespace (`MeshConfig.discoverySelectors`, none is all).

        The root namespace always counts; one whose labels are unknown is taken to count.
        """
        found = self.mesh.namespace(namespace)
        if not self._discovery or namespace == self.root or not found.known:
            return True
        return any(selector.matches(found.labels) for selector in self._discovery)

    @cached_property
    def _discovery(self) -> list[Selector]:
        found = []
        for value in self.config.discovery_selectors:
            try:
                selector = parse_selector(value)
            except InvalidSelectorError:
                continue
            if selector is not None:
                found.append(selector)
        return found

    def index(self, revision: str) -> PolicyIndex:
        """The policies as the control plane of a revision sees them."""
        if revision not in self._indexes:
            self._indexes[revision] = peerauth.index(self.policies, self.root, revision)
        return self._indexes[revision]

    @cached_property
    def unread(self) -> str:
        """Why PeerAuthentications could not be listed; empty where they were."""
        return self.mesh.unread(f"PeerAuthentication.{SECURITY}")

    @cached_property
    def _revisions_matter(self) -> bool:
        judged = (self.policies, self._rules, self._sidecars, self._routes)
        return any(entry.revision for entries in judged for entry in entries)

    @cached_property
    def shipped(self) -> frozenset[str]:
        """Policies that Knative's Istio integration ships, on purpose as they are, by id."""
        return frozenset(m.id for m in self.manifests if INGRESS_PROVIDER in m.labels)

    @cached_property
    def istio(self) -> tuple[int, int] | None:
        """The release line of Istio; None where what is said of it is no version."""
        found = re.match(r"(\d{1,9})\.(\d{1,9})(?!\d)", self.inventory.value("istio"), re.ASCII)
        return (int(found[1]), int(found[2])) if found else None

    @cached_property
    def ambient(self) -> AmbientIndex:
        """The policies as ambient sees them: ztunnel asks the control plane by default."""
        revision = injection.DEFAULT_REVISION if self._revisions_matter else ""
        return ambient_index(self.policies, self.root, revision)

    def enrolment(self, workload: Workload) -> Enrolment:
        """Whether the workload is in the mesh."""
        if workload.id not in self._enrolments:
            self._enrolments[workload.id] = self.mesh.enrolment(workload)
        return self._enrolments[workload.id]

    def revision(self, namespace: str, labels: dict[str, str]) -> str:
        """The revision of the control plane that serves a pod: the one that injected its sidecar.

        Empty where it makes no difference.
        """
        if not self._revisions_matter:
            return ""
        around = self.mesh.namespace(namespace).labels
        for webhook in self.mesh.webhooks:
            if webhook.matches(around, labels):
                return webhook.revision
        wanted = around.get(injection.REVISION) or labels.get(injection.REVISION)
        return self._tags.get(wanted, wanted) if wanted else injection.DEFAULT_REVISION

    @cached_property
    def _tags(self) -> dict[str, str]:
        """Revision tags and the revisions that they stand for."""
        found = {}
        for manifest in self.inventory.of(
            "MutatingWebhookConfiguration", "admissionregistration.k8s.io"
        ):
            labels = manifest.labels
            if "istio.io/tag" in labels and injection.REVISION in labels:
                found[labels["istio.io/tag"]] = labels[injection.REVISION]
        return found

    def role(self, workload: Workload) -> Role:
        """Whether the workload is an application or part of the platform below it."""
        if workload.namespace in _SYSTEM:
            return "system"
        name = workload.labels.get("app", workload.labels.get("k8s-app", ""))
        return (
            "mesh" if workload.namespace == self.root or name in _CONTROL_PLANE else "application"
        )

    @cached_property
    def services(self) -> dict[tuple[str, str], Service]:
        """The Services that select pods, by namespace and name."""
        return {
            (manifest.namespace, manifest.name): service_of(manifest)
            for manifest in self.inventory.of("Service")
            if strings(manifest.spec.get("selector"))
        }

    @cached_property
    def _services_by_label(self) -> dict[tuple[str, str, str], list[Service]]:
        found: dict[tuple[str, str, str], list[Service]] = {}
        for (namespace, _), service in self.services.items():
            key, value = min(service.selector.items())
            found.setdefault((namespace, key, value), []).append(service)
        return found

    def services_of(self, workload: Workload) -> list[Service]:
        """The Services that select the workload's pods."""
        found = self._services.get(workload.id)
        if found is None:
            found = [
                service
                for key, value in workload.labels.items()
                for service in self._services_by_label.get((workload.namespace, key, value), ())
                if service.selector.items() <= workload.labels.items()
            ]
            found.sort(key=lambda service: service.manifest.name)
            self._services[workload.id] = found
        return found

    @cached_property
    def _workloads_by_label(self) -> dict[tuple[str, str, str], list[Workload]]:
        found: dict[tuple[str, str, str], list[Workload]] = {}
        for workload in self.inventory.workloads:
            for key, value in workload.labels.items():
                found.setdefault((workload.namespace, key, value), []).append(workload)
        return found

    def selected(self, namespace: str, selector: dict[str, str]) -> list[Workload]:
        """The workloads of a namespace whose pods have these labels; all if there are none."""
        if not selector:
            return self.inventory.workloads_by_namespace.get(namespace, [])
        rarest = min(
            (self._workloads_by_label.get((namespace, *item), []) for item in selector.items()),
            key=len,
        )
        return [w for w in rarest if selector.items() <= w.labels.items()]

    @cached_property
    def _backends(self) -> dict[str, list[Workload]]:
        found: dict[str, list[Workload]] = {}
        for workload in self.inventory.workloads:
            for service in self.services_of(workload):
                found.setdefault(service.manifest.id, []).append(workload)
        return found

    def workloads_of(self, service: Service) -> list[Workload]:
        """The workloads whose pods a Service selects."""
        return self._backends.get(service.manifest.id, [])

    @cached_property
    def domain(self) -> str:
        """The suffix of Services' full names."""
        return self.inventory.value("cluster-domain") or "cluster.local"

    @cached_property
    def _rules(self) -> list[Rule]:
        return [
            parse_rule(manifest.namespace, manifest.object, self.domain)
            for manifest in self.inventory.of("DestinationRule", NETWORKING)
            if self.discovered(manifest.namespace)
        ]

    def rules(self, revision: str) -> RuleIndex:
        """The DestinationRules as clients of a control plane look them up."""
        if revision not in self._rule_indexes:
            export = self.config.default_export
            self._rule_indexes[revision] = RuleIndex(self._rules, self.root, export, revision)
        return self._rule_indexes[revision]

    @cached_property
    def _routes(self) -> list[Routes]:
        found = (
            parse_routes(manifest.namespace, manifest.object, manifest.id, self.domain)
            for manifest in self.inventory.of("VirtualService", NETWORKING)
            if self.discovered(manifest.namespace)
        )
        return [entry for entry in found if entry]

    def routes(self, client: Workload, host: str) -> list[Routes]:
        """The VirtualServices that count for calls of a client to a host."""
        if not self._routes:
            return []
        revision = self.revision(client.namespace, client.labels)
        if revision not in self._route_indexes:
            export = self.config.default_route_export
            self._route_indexes[revision] = RouteIndex(self._routes, export, revision)
        return self._route_indexes[revision].of(client.namespace, host)

    def sees(self, client: Workload, service: Service) -> bool:
        """Whether istiod shows a Service to proxies of the client's namespace."""
        export = service.export or self.config.default_service_export
        return seen(export, service.manifest.namespace, client.namespace)

    @cached_property
    def _sidecars(self) -> list[SidecarConfig]:
        return [
            parse_sidecar(manifest.namespace, manifest.object, manifest.id)
            for manifest in self.inventory.of("Sidecar", NETWORKING)
            if self.discovered(manifest.namespace)
        ]

    def sidecar(self, workload: Workload) -> SidecarConfig | None:
        """The Sidecar that counts for the pods of a workload."""
        if not self._sidecars:
            return None
        revision = self.revision(workload.namespace, workload.labels)
        if revision not in self._sidecar_indexes:
            self._sidecar_indexes[revision] = SidecarIndex(self._sidecars, self.root, revision)
        return self._sidecar_indexes[revision].of(workload.namespace, workload.labels)

    @cached_property
    def capture_defaults(self) -> dict[str, CaptureDefault]:
        """What annotations about captured traffic are for pods that do not bear them."""
        return capture_defaults(self.inventory)

    @cached_property
    def control_plane(self) -> dict[str, str]:
        """The environment of istiod, where the input shows it."""
        return {
            words.get("name", ""): words.get("value", "")
            for workload in self.inventory.workloads
            if workload.labels.get("app") == "istiod"
            for container in workload.containers
            for words in map(strings, sequence(container.raw.get("env")))
        }

    @cached_property
    def called_by_api_server(self) -> dict[tuple[str, str], dict[int, str]]:
        """Services (namespace, name) that the API server calls: port -> `Manifest.id` of why."""
        found: dict[tuple[str, str], dict[int, str]] = {}
        for ref, reference in api_references(self.inventory):
            port = reference.get("port", HTTPS)
            key = (str(reference.get("namespace", "")), str(reference.get("name", "")))
            if isinstance(port, int):
                found.setdefault(key, {})[port] = ref
        return found

    def api_ports(self, workload: Workload) -> dict[int, str]:
        """Ports of the workload's pods that the API server calls, with what says so."""
        found: dict[int, str] = {}
        if not self.called_by_api_server:
            return found
        for service in self.services_of(workload):
            key = (service.manifest.namespace, service.manifest.name)
            called = self.called_by_api_server.get(key, {})
            for port in service.ports:
                if port.number in called:
                    targets = service.targets(port, workload)
                    found.update(dict.fromkeys(targets, called[port.number]))
        return found
