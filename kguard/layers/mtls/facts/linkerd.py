# SPDX-License-Identifier: Apache-2.0
"""Which workloads does Linkerd mesh, and whom do their ports admit?

Authority: linkerd/linkerd2 pkg/inject (annotation `linkerd.io/inject` of the pod before that of
the namespace; hostNetwork gets no proxy; the namespace's `config.linkerd.io` annotations are
copied to the pod unless it has its own), charts/linkerd-control-plane (`proxy.defaultInboundPolicy`
becomes the policy controller's `--default-policy`; ports that the proxy never sees).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from kguard.inventory import Workload
from kguard.inventory.meshconfig import embedded
from kguard.layers.mtls.facts.view import View
from kguard.layers.mtls.semantics import linkerd
from kguard.layers.mtls.semantics.linkerd import Pod, Policies, Verdict
from kguard.model.facts.common import Evidence
from kguard.model.facts.mtls import LinkerdPorts, LinkerdWorkload
from kguard.model.locations import pointer
from kguard.model.manifests import JsonObject, Manifest, mapping, sequence, strings

INJECT = "linkerd.io/inject"
SKIP = "config.linkerd.io/skip-inbound-ports"
PROXY = "linkerd-proxy"
OWN_PORTS = frozenset({4143, 4190, 4191, 4567, 4568})
"""The proxy's own, and those that installation leaves out by default."""
_MESHED = ("enabled", "ingress")
_ROUTE_GROUPS = ("policy.linkerd.io", "gateway.networking.k8s.io")
_NEVER = ("kube-system", "cert-manager")
_CONFIG = "config.linkerd.io/"
_Meshed = Literal["yes", "no", "unknown"]


def linkerd_facts(view: View) -> list[LinkerdWorkload]:
    """The workloads that Linkerd meshes or may mesh; none where nothing shows Linkerd."""
    meshed = [(workload, *_meshed(view, workload)) for workload in view.inventory.workloads]
    if all(state != "yes" for _, state, _ in meshed):
        return []
    policies = _policies(view)
    default = _cluster_default(view)
    found = [
        LinkerdWorkload(
            ref=workload.ref,
            meshed="yes" if state == "yes" else "unknown",
            modes=list(_modes(view, workload, policies, default)) if state == "yes" else [],
            because=[because],
        )
        for workload, state, because in meshed
        if state != "no"
    ]
    return sorted(found, key=lambda fact: fact.ref)


def _meshed(view: View, workload: Workload) -> tuple[_Meshed, Evidence]:
    """Whether the pods get Linkerd's proxy."""
    for container in workload.containers:
        if container.name == PROXY:
            return "yes", Evidence(workload.id, container.pointer, "the pod has Linkerd's proxy")
    if workload.host_network or workload.namespace in _NEVER:
        return "no", Evidence(workload.id, "", "Linkerd leaves such pods out")
    if INJECT in workload.annotations:
        value = workload.annotations[INJECT]
        place = workload.pod_metadata_pointer + pointer("annotations", INJECT)
        because = Evidence(workload.id, place, f"pod annotation {INJECT}={value}")
        return "yes" if value in _MESHED else "no", because
    namespace = view.mesh.namespace(workload.namespace)
    if not namespace.known or namespace.manifest is None:
        note = f"annotations of namespace {workload.namespace} decide; the input has no such object"
        return "no" if namespace.known else "unknown", Evidence("", "", note)
    value = namespace.manifest.annotations.get(INJECT, "")
    place = "/metadata" + (pointer("annotations", INJECT) if value else "")
    note = f"namespace {workload.namespace}: {INJECT}={value or 'not set'}"
    return "yes" if value in _MESHED else "no", Evidence(namespace.manifest.id, place, note)


def _policies(view: View) -> Policies:
    objects = [
        (manifest.id, _placed(manifest))
        for manifest in view.inventory
        if manifest.group == linkerd.GROUP
        or (manifest.group in _ROUTE_GROUPS and manifest.kind.endswith("Route"))
    ]
    return linkerd.index(objects, whole=view.request.scope == "cluster")


def _placed(manifest: Manifest) -> JsonObject:
    """The object with the namespace that it lands in."""
    metadata = {**mapping(manifest.object.get("metadata")), "namespace": manifest.namespace}
    return {**manifest.object, "metadata": metadata}


def _cluster_default(view: View) -> str:
    """The policy controller's argument, or the chart's values, or Linkerd's default."""
    for workload in view.inventory.workloads:
        for container in workload.containers if workload.name == "linkerd-destination" else ():
            for argument in sequence(container.raw.get("args")):
                key, _, value = str(argument).partition("=")
                if key == "--default-policy" and value in linkerd.DEFAULTS:
                    return value
    for manifest in view.inventory.of("ConfigMap"):
        if manifest.name == "linkerd-config":
            proxy = strings(mapping(embedded(manifest, "values").get("proxy")))
            if proxy.get("defaultInboundPolicy") in linkerd.DEFAULTS:
                return proxy["defaultInboundPolicy"]
    return linkerd.CLUSTER_DEFAULT


def _modes(
    view: View, workload: Workload, policies: Policies, default: str
) -> Iterator[LinkerdPorts]:
    """The TCP ports of the workload, grouped by whom they admit."""
    pod = _pod(view, workload)
    skipped = linkerd.port_set(pod.annotations.get(SKIP, ""))
    groups: dict[Verdict, list[int]] = {}
    for port in [0, *sorted(_ports(view, workload))]:
        if port in OWN_PORTS or port in skipped:
            note = f"port {port} is left out of the proxy's reach"
            found = Verdict(
                "unknown", "not seen by the proxy", (linkerd.Grant("unknown", "", note),)
            )
        else:
            found = linkerd.verdict(policies, pod, port, default)
        groups.setdefault(found, []).append(port)
    for found, ports in groups.items():
        hidden = found.decided_by == "not seen by the proxy"
        yield LinkerdPorts(
            ports=[*(str(p) for p in ports if p), *(["other"] if 0 in ports else [])],
            accepts="uncaptured" if hidden else found.accepts,
            decided_by=found.decided_by,
            because=[_evidence(view, workload, grant) for grant in found.grants],
        )


def _evidence(view: View, workload: Workload, grant: linkerd.Grant) -> Evidence:
    """Where the grant is written; for a default, the annotation that sets it."""
    if grant.ref:
        return Evidence(grant.ref, "/spec", grant.note)
    around = view.mesh.namespace(workload.namespace).manifest
    setting = pointer("annotations", linkerd.DEFAULT_POLICY)
    if linkerd.DEFAULT_POLICY in workload.annotations:
        return Evidence(workload.id, workload.pod_metadata_pointer + setting, grant.note)
    if around and linkerd.DEFAULT_POLICY in around.annotations:
        return Evidence(around.id, "/metadata" + setting, grant.note)
    return Evidence(workload.id, "/metadata/name", grant.note)


def _ports(view: View, workload: Workload) -> set[int]:
    found = {port.number for port in workload.ports if port.protocol == "TCP"}
    for service in view.services_of(workload):
        for port in service.ports:
            if port.protocol == "TCP":
                found.update(service.targets(port, workload))
    return found


def _pod(view: View, workload: Workload) -> Pod:
    """The pod as the injector leaves it: with the namespace's settings where it has none."""
    manifest = view.mesh.namespace(workload.namespace).manifest
    around = manifest.annotations if manifest else {}
    inherited = {key: value for key, value in around.items() if key.startswith(_CONFIG)}
    names: dict[str, set[int]] = {}
    for port in workload.ports:
        if port.name and port.protocol == "TCP":
            names.setdefault(port.name, set()).add(port.number)
    return Pod(
        namespace=workload.namespace,
        labels=workload.labels,
        annotations={**inherited, **workload.annotations},
        names={name: frozenset(numbers) for name, numbers in names.items()},
    )
