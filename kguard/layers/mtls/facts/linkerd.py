# SPDX-License-Identifier: Apache-2.0
"""Which workloads does Linkerd mesh, and whom do their ports admit?

Authority: linkerd/linkerd2 pkg/inject/report.go (annotation `linkerd.io/inject` of the pod before
that of the namespace, and no proxy where one of them is neither enabled, ingress nor disabled;
hostNetwork gets none), pkg/inject/inject.go (the namespace's `config.linkerd.io` annotations are
copied to the pod unless it has its own), charts/linkerd-control-plane (which namespaces the webhook
leaves out; `proxy.defaultInboundPolicy` becomes the policy controller's `--default-policy`),
charts/partials (`proxyInit.ignoreInboundPorts`: what the proxy never sees unless a pod says so).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from kguard.inventory import Workload
from kguard.inventory.meshconfig import embedded
from kguard.layers.mtls.facts.view import View
from kguard.layers.mtls.semantics import linkerd, linkerd_admission, linkerd_objects
from kguard.layers.mtls.semantics.linkerd import Pod, Verdict
from kguard.layers.mtls.semantics.linkerd_objects import Policies
from kguard.model.facts.common import Evidence
from kguard.model.facts.mtls import LinkerdPorts, LinkerdWorkload
from kguard.model.locations import pointer
from kguard.model.manifests import JsonObject, Manifest, mapping, sequence, strings

INJECT = "linkerd.io/inject"
SKIP = "config.linkerd.io/skip-inbound-ports"
PROXY = "linkerd-proxy"
LEFT_OUT = "config.linkerd.io/admission-webhooks"
OWN_PORTS = frozenset({4143, 4190, 4191})
"""The proxy's own: inbound, control and metrics."""
SKIPPED_BY_DEFAULT = "4567,4568"
_MESHED = ("enabled", "ingress")
_VALID = ("", "disabled", *_MESHED)
_ROUTE_GROUPS = frozenset(group for group, _ in linkerd_admission.ROUTES)
_NEVER = ("kube-system", "cert-manager")
_CONFIG = "config.linkerd.io/"
_Meshed = Literal["yes", "no", "unknown"]
_HIDDEN = Verdict(
    "unknown",
    "skipped inbound ports",
    (linkerd.Grant("unknown", "", "what comes to a skipped port does not pass the proxy"),),
)


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
    namespace = view.mesh.namespace(workload.namespace)
    own = workload.annotations.get(INJECT, "")
    if not namespace.known:
        return _meshed_alone(workload, own)
    around = namespace.manifest
    if around is not None and around.labels.get(LEFT_OUT) == "disabled":
        place = "/metadata" + pointer("labels", LEFT_OUT)
        return "no", Evidence(around.id, place, f"{LEFT_OUT} keeps Linkerd out of the namespace")
    if own:
        meshed = own in _MESHED and (around is None or around.annotations.get(INJECT, "") in _VALID)
        return "yes" if meshed else "no", _own(workload, own)
    if around is None:
        return "no", Evidence("", "", f"namespace {workload.namespace} is not in the cluster")
    value = around.annotations.get(INJECT, "")
    place = "/metadata" + (pointer("annotations", INJECT) if value else "")
    note = f"namespace {workload.namespace}: {INJECT}={value or 'not set'}"
    return "yes" if value in _MESHED else "no", Evidence(around.id, place, note)


def _meshed_alone(workload: Workload, own: str) -> tuple[_Meshed, Evidence]:
    """The same where the input does not show the namespace."""
    if own:
        return "yes" if own in _MESHED else "no", _own(workload, own)
    note = f"annotations of namespace {workload.namespace} decide; the input has no such object"
    return "unknown", Evidence("", "", note)


def _own(workload: Workload, value: str) -> Evidence:
    place = workload.pod_metadata_pointer + pointer("annotations", INJECT)
    return Evidence(workload.id, place, f"pod annotation {INJECT}={value}")


def _policies(view: View) -> Policies:
    objects = [
        (manifest.id, _placed(manifest))
        for manifest in view.inventory
        if manifest.group == linkerd_admission.GROUP
        or (manifest.group in _ROUTE_GROUPS and manifest.kind.endswith("Route"))
    ]
    return linkerd_objects.index(objects, whole=view.request.scope == "cluster")


def _placed(manifest: Manifest) -> JsonObject:
    """The object with the namespace that it lands in."""
    metadata = {**mapping(manifest.object.get("metadata")), "namespace": manifest.namespace}
    return {**manifest.object, "metadata": metadata}


def _cluster_default(view: View) -> str:
    """The policy controller's argument, or the chart's value, or Linkerd's default."""
    for workload in view.inventory.workloads:
        for container in workload.containers if workload.name == "linkerd-destination" else ():
            for argument in sequence(container.raw.get("args")):
                key, _, value = str(argument).partition("=")
                if key == "--default-policy" and value in linkerd_admission.DEFAULTS:
                    return value
    written = _value(view, "proxy", "defaultInboundPolicy")
    return written if written in linkerd_admission.DEFAULTS else linkerd.CLUSTER_DEFAULT


def _value(view: View, part: str, key: str) -> str:
    """A value of the chart as it is installed; empty where the input does not show it."""
    for manifest in view.inventory.of("ConfigMap"):
        if manifest.name == "linkerd-config":
            return strings(mapping(embedded(manifest, "values").get(part))).get(key, "")
    return ""


def _modes(
    view: View, workload: Workload, policies: Policies, default: str
) -> Iterator[LinkerdPorts]:
    """The TCP ports of the workload, grouped by whom they admit."""
    pod = _pod(view, workload)
    usual = _value(view, "proxyInit", "ignoreInboundPorts") or SKIPPED_BY_DEFAULT
    skipped = linkerd.port_set(pod.annotations.get(SKIP, usual))
    groups: dict[Verdict, list[int]] = {}
    for port in [*sorted(_ports(view, workload) - OWN_PORTS), 0]:
        found = _HIDDEN if port in skipped else linkerd.verdict(policies, pod, port, default)
        groups.setdefault(found, []).append(port)
    for found, ports in groups.items():
        setting = SKIP if found is _HIDDEN else linkerd.DEFAULT_POLICY
        yield LinkerdPorts(
            ports=[*(str(p) for p in ports if p), *(["other"] if 0 in ports else [])],
            accepts="uncaptured" if found is _HIDDEN else found.accepts,
            decided_by=found.decided_by,
            because=[_evidence(view, workload, grant, setting) for grant in found.grants],
        )


def _evidence(view: View, workload: Workload, grant: linkerd.Grant, setting: str) -> Evidence:
    """Where the grant is written; for a default, the annotation that sets it."""
    if grant.ref:
        return Evidence(grant.ref, "/spec", grant.note)
    around = view.mesh.namespace(workload.namespace).manifest
    if setting in workload.annotations:
        place = workload.pod_metadata_pointer + pointer("annotations", setting)
        return Evidence(workload.id, place, grant.note)
    if around and setting in around.annotations:
        return Evidence(around.id, "/metadata" + pointer("annotations", setting), grant.note)
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
