# SPDX-License-Identifier: Apache-2.0
"""Is there a mesh, and which workloads are in it?

A proxy that is there beats every prediction: injected containers and annotations of pods, then of
templates. Otherwise both stages of injection are predicted (see `injection`), from the webhooks
and the injector's configuration in the input, else from those of a default installation. Sources:
istio/istio pkg/kube/inject/inject.go, pilot/pkg/networking/core/listener.go (which proxy is a
gateway), cni/pkg/util/enablement_selector.go.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Literal

import msgspec

from kguard.inventory import injection
from kguard.inventory.index import Inventory, Namespace
from kguard.inventory.injection import Injector, NodeAgent, Webhook
from kguard.inventory.workload import Workload
from kguard.model.facts.common import Evidence, Presence
from kguard.model.locations import pointer
from kguard.model.manifests import Manifest, mapping, sequence

Plane = Literal["sidecar", "ambient", "gateway", "waypoint", "none", "unknown"]
Basis = Literal["live", "written", "predicted", "assumed"]
"""How the plane is known: from running pods, from the template itself, by evaluating the objects
that decide, or with something taken for granted (`because` says what)."""

Reason = Literal[
    "enrolled",
    "opted_out",
    "not_labelled",
    "host_network",
    "system",
    "no_webhook",
    "ambient_off",
    "not_restarted",
    "not_known",
]

PROXY_CONTAINER = "istio-proxy"
_WAYPOINT = ("gateway.istio.io/managed", "istio.io-mesh-controller")
_REDIRECTION = "ambient.istio.io/redirection"
_TEMPLATES = "inject.istio.io/templates"
_GATEWAY_NAME = "gateway.networking.k8s.io/gateway-name"
_GROUPS = (
    "security.istio.io",
    "networking.istio.io",
    "telemetry.istio.io",
    "extensions.istio.io",
    "install.istio.io",
    "sailoperator.io",
)


class Enrolment(msgspec.Struct, frozen=True):
    """Whether and how the pods of a workload are in the mesh."""

    plane: Plane
    basis: Basis
    reason: Reason
    because: tuple[Evidence, ...]


_SIGNS = (
    "PeerAuthentication.security.istio.io",
    "MutatingWebhookConfiguration.admissionregistration.k8s.io",
    "Namespace",
    "ConfigMap",
    "Pod",
)
"""The kinds that a mesh, or the encryption of a network plugin, leaves its marks in."""


class Mesh:
    """The mesh that the input shows: presence, root namespace, enrolment.

    Args:
        inventory: all manifests.
        whole: whether the input is a whole cluster, so that a namespace without a Namespace
            object carries no labels; otherwise its labels are unknown.
    """

    def __init__(self, inventory: Inventory, *, whole: bool = False) -> None:
        self.inventory = inventory
        self.whole = whole

    @property
    def root(self) -> str:
        """The root namespace: policies there are about the whole mesh."""
        return self.inventory.value("root-namespace") or "istio-system"

    @cached_property
    def presence(self) -> Presence:
        """Whether any mesh object or label occurs; unknown where one may be unread."""
        if next(self._signs(), None):
            return "present"
        collected = self.inventory.collected
        nothing_read = bool(collected.unreadable) and not collected.manifests
        return "unknown" if nothing_read or any(map(self.unread, _SIGNS)) else "absent"

    def unread(self, kind: str) -> str:
        """Why objects of a kind (`Kind.group`) could not be listed; empty where they were.

        A file that cannot be read makes the scan incomplete, but no kind unknown as a whole.
        """
        for entry in self.inventory.collected.unreadable:
            if entry.hides(kind):
                return f"{entry.source}: {entry.reason}"
        return ""

    def _signs(self) -> Iterator[Manifest]:
        for manifest in self.inventory:
            if manifest.group in _GROUPS or _labelled(manifest.labels):
                yield manifest
        for manifest in self.inventory.of("MutatingWebhookConfiguration", _ADMISSION):
            if injection.webhooks_of(manifest.object, manifest.name):
                yield manifest
        for manifest in self.inventory.of("ConfigMap"):
            if "mesh" in mapping(manifest.object.get("data")) and manifest.name.startswith("istio"):
                yield manifest
        for workload in self.inventory.workloads:
            if _labelled(workload.labels) or _labelled(workload.annotations) or _proxy(workload):
                yield workload.manifest

    @cached_property
    def real_webhooks(self) -> list[Webhook]:
        """The injecting webhooks of the input."""
        return [
            webhook
            for manifest in self.inventory.of("MutatingWebhookConfiguration", _ADMISSION)
            for webhook in injection.webhooks_of(manifest.object, manifest.name, manifest.id)
        ]

    @cached_property
    def webhooks(self) -> list[Webhook]:
        """The webhooks that decide: the input's, else those of a default installation."""
        if self.real_webhooks:
            return self.real_webhooks
        wanted = {n.labels.get(injection.REVISION) for n in self.inventory.namespaces.values()}
        wanted |= {w.labels.get(injection.REVISION) for w in self.inventory.workloads}
        from kguard.inventory.meshconfig import injects_by_default

        return injection.default_webhooks(
            (value for value in wanted if value), by_default=injects_by_default(self.inventory)
        )

    @cached_property
    def injector(self) -> Injector:
        """What the injector's ConfigMap says; its default where the input has none."""
        from kguard.inventory.meshconfig import injector_config

        return injection.injector_of(injector_config(self.inventory))

    @cached_property
    def node_agent(self) -> NodeAgent:
        """What istio-cni is told; the defaults of its chart where the input has none."""
        from kguard.inventory.meshconfig import node_agent

        return node_agent(self.inventory)

    def namespace(self, name: str) -> Namespace:
        """A namespace as far as it is known."""
        found = self.inventory.namespaces.get(name)
        if found is None:
            found = Namespace(name, self.inventory.namespace_labels(name), known=False)
        if self.whole and not found.known and not self.unread("Namespace"):
            return Namespace(name, found.labels, known=True)
        return found

    def enrolment(self, workload: Workload) -> Enrolment:
        """Whether the pods of the workload are in the mesh, and why."""
        router = _router(workload)
        if router:
            return router
        live = self._live(workload)
        return live or _written(workload) or self.predicted(workload)

    def predicted(self, workload: Workload) -> Enrolment:
        """What happens to the next pod of the workload."""
        if workload.host_network:
            note = "the pods share the node's network: no proxy is added to them"
            because = Evidence(workload.id, workload.pod_pointer + "/hostNetwork", note)
            return Enrolment("none", "written", "host_network", (because,))
        namespace = self.namespace(workload.namespace)
        system = workload.namespace in injection.NEVER_INJECTED
        if system and (not namespace.known or workload.namespace in injection.NEVER_AMBIENT):
            note = f"Istio leaves namespace {workload.namespace} out"
            return Enrolment("none", "predicted", "system", (Evidence("", "", note),))
        if not namespace.known or not workload.labels_known:
            return _without_namespace(workload)
        return self._sidecar(workload, namespace) or self._ambient(workload, namespace)

    def _sidecar(self, workload: Workload, namespace: Namespace) -> Enrolment | None:
        webhook = next((w for w in self.webhooks if self._answers(w, workload, namespace)), None)
        if webhook is None:
            return None
        note = f"webhook {webhook.name} adds a sidecar"
        if not webhook.ref:
            note += "; the input has none: that of a default installation is assumed"
        because = (*_labels_that_count(workload, namespace), Evidence(webhook.ref, "", note))
        basis: Basis = "predicted" if webhook.ref else "assumed"
        return Enrolment("sidecar", basis, "enrolled", because)

    def _answers(self, webhook: Webhook, workload: Workload, namespace: Namespace) -> bool:
        return webhook.matches(namespace.labels, workload.labels) and injection.inject_required(
            self.injector,
            workload.namespace,
            workload.labels,
            workload.annotations,
            host_network=workload.host_network,
        )

    def _ambient(self, workload: Workload, namespace: Namespace) -> Enrolment:
        because = _labels_that_count(workload, namespace)
        agent = self.node_agent
        selected = workload.namespace not in agent.excluded and injection.ambient_selected(
            namespace.labels,
            workload.labels,
            workload.annotations,
            host_network=False,
            selectors=agent.selectors,
        )
        if selected and not agent.ambient:
            why = Evidence(agent.ref, "/data/AMBIENT_ENABLED", "istio-cni leaves ambient off")
            return Enrolment("none", "predicted", "ambient_off", (*because, why))
        if selected:
            return Enrolment("ambient", "predicted", "enrolled", because)
        return Enrolment("none", "predicted", self._refusal(workload, namespace), because)

    def _refusal(self, workload: Workload, namespace: Namespace) -> Reason:
        if workload.namespace in injection.NEVER_INJECTED:
            return "system"
        wish = workload.labels.get(injection.INJECT, workload.annotations.get(injection.INJECT))
        if wish == "false" or workload.labels.get(injection.DATAPLANE) == "none":
            return "opted_out"
        labels = namespace.labels
        if labels.get(injection.INJECTION) == "enabled" or injection.REVISION in labels:
            return "no_webhook"
        return "not_labelled"

    def _live(self, workload: Workload) -> Enrolment | None:
        pods = self.inventory.running.get(workload.id, ())
        without = [pod for pod in pods if _pod_plane(pod) is None]
        if without:
            expected = self.predicted(workload).plane in ("sidecar", "ambient")
            note = f"the running pod {without[0].name} has no proxy"
            reason: Reason = "not_restarted" if expected else self.predicted(workload).reason
            return Enrolment("none", "live", reason, (Evidence(without[0].id, "", note),))
        for pod in pods:
            plane = _pod_plane(pod)
            if plane:
                note = f"the running pod {pod.name} shows it"
                return Enrolment(plane, "live", "enrolled", (Evidence(pod.id, "", note),))
        return None


_ENROLLING = (injection.INJECTION, injection.REVISION, injection.DATAPLANE)
_ADMISSION = "admissionregistration.k8s.io"


def _labelled(labels: dict[str, str]) -> bool:
    """Whether labels (or annotations) ask for a proxy; opting out is no sign of a mesh."""
    return (
        labels.get(injection.INJECTION) == "enabled"
        or labels.get(injection.INJECT) == "true"
        or labels.get(injection.DATAPLANE) == "ambient"
        or injection.REVISION in labels
        or injection.SIDECAR_STATUS in labels
    )


def _proxy(workload: Workload) -> str:
    """The pointer of the proxy's container, if the template has one."""
    return next((c.pointer for c in workload.containers if c.name == PROXY_CONTAINER), "")


def _router(workload: Workload) -> Enrolment | None:
    """Gateways and waypoints: proxies that are no sidecars."""
    key, value = _WAYPOINT
    place = workload.pod_metadata_pointer
    if workload.labels.get(key) == value:
        because = Evidence(workload.id, place + pointer("labels", key), "a waypoint proxy")
        return Enrolment("waypoint", "written", "enrolled", (because,))
    if workload.annotations.get(_TEMPLATES) == "gateway":
        where = place + pointer("annotations", _TEMPLATES)
    elif _GATEWAY_NAME in workload.labels:
        where = place + pointer("labels", _GATEWAY_NAME)
    elif _is_router(workload):
        where = _proxy(workload)
    else:
        return None
    because = Evidence(workload.id, where, "a gateway: PeerAuthentication does not act on it")
    return Enrolment("gateway", "written", "enrolled", (because,))


def _is_router(workload: Workload) -> bool:
    for container in workload.containers:
        if container.name == PROXY_CONTAINER:
            return "router" in sequence(container.raw.get("args"))
    return False


def _written(workload: Workload) -> Enrolment | None:
    """A proxy that the template itself holds (injected by hand, or read from a pod)."""
    where = _proxy(workload)
    if not where and injection.SIDECAR_STATUS in workload.annotations:
        where = workload.pod_metadata_pointer + pointer("annotations", injection.SIDECAR_STATUS)
    if where:
        because = Evidence(workload.id, where, "the pod has a sidecar")
        return Enrolment("sidecar", "written", "enrolled", (because,))
    if workload.annotations.get(_REDIRECTION) == "enabled":
        where = workload.pod_metadata_pointer + pointer("annotations", _REDIRECTION)
        because = Evidence(workload.id, where, "the pod is redirected to ztunnel")
        return Enrolment("ambient", "written", "enrolled", (because,))
    return None


def _pod_plane(pod: Manifest) -> Plane | None:
    if injection.SIDECAR_STATUS in pod.annotations:
        return "sidecar"
    containers = [
        *sequence(pod.spec.get("containers")),
        *sequence(pod.spec.get("initContainers")),
    ]
    if any(mapping(c).get("name") == PROXY_CONTAINER for c in containers):
        return "sidecar"
    return "ambient" if pod.annotations.get(_REDIRECTION) == "enabled" else None


def _without_namespace(workload: Workload) -> Enrolment:
    """What the pod template alone says, where the labels of its namespace are unknown."""
    missing = Evidence(
        "",
        "",
        f"the labels of namespace {workload.namespace} decide; the input has no such Namespace",
    )
    because = (*_pod_labels(workload), missing)
    if workload.labels.get(injection.INJECT) == "true":
        return Enrolment("sidecar", "assumed", "enrolled", because)
    if workload.labels.get(injection.DATAPLANE) == "ambient":
        return Enrolment("ambient", "assumed", "enrolled", because)
    if workload.labels.get(injection.INJECT, workload.annotations.get(injection.INJECT)) == "false":
        return Enrolment("none", "assumed", "opted_out", because)
    return Enrolment("unknown", "assumed", "not_known", because)


def _labels_that_count(workload: Workload, namespace: Namespace) -> tuple[Evidence, ...]:
    found = [*_pod_labels(workload)]
    ref = namespace.manifest.id if namespace.manifest else ""
    counting = [key for key in _ENROLLING if key in namespace.labels] if ref else []
    for key in counting:
        note = f"namespace {namespace.name}: {key}={namespace.labels[key]}"
        found.append(Evidence(ref, "/metadata" + pointer("labels", key), note))
    if not counting:
        note = f"namespace {namespace.name} has no label that enrols its pods"
        found.append(Evidence(ref, "/metadata" if ref else "", note))
    return tuple(found)


def _pod_labels(workload: Workload) -> Iterator[Evidence]:
    place = workload.pod_metadata_pointer
    for key in (injection.INJECT, *_ENROLLING[1:]):
        if key in workload.labels:
            where = place + pointer("labels", key)
            yield Evidence(workload.id, where, f"pod label {key}={workload.labels[key]}")
        elif key == injection.INJECT and key in workload.annotations:
            where = place + pointer("annotations", key)
            yield Evidence(workload.id, where, f"pod annotation {key}={workload.annotations[key]}")
