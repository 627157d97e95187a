# SPDX-License-Identifier: Apache-2.0
"""How far are the mesh and its namespaces in the mesh, and which mode do they start from?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from kguard.inventory import injection
from kguard.layers.mtls.facts.argument import argument, level_of, mode_of, title_of
from kguard.layers.mtls.facts.view import NETWORKING, View
from kguard.layers.mtls.semantics.peerauth import Chain, workload_decision
from kguard.model.facts import mtls as model
from kguard.model.facts.common import Evidence
from kguard.model.locations import pointer
from kguard.model.manifests import Manifest, ObjectRef, mapping, sequence, strings

_KEYS = (injection.INJECTION, injection.REVISION, injection.DATAPLANE)


def mesh_facts(view: View) -> model.MeshFacts:
    """The mesh as a whole."""
    index = view.index("")
    chain = Chain(index.mesh[0]) if index.mesh else Chain()
    decision = workload_decision(chain)
    return model.MeshFacts(
        ref=namespace_ref(view, view.root),
        root=view.root,
        intended=mode_of(decision),
        decided_by=title_of(decision),
        sign=_sign(view),
        auto_mtls="on" if view.config.auto_mtls else "off",
        everywhere="mutual" if any(_everywhere(view)) else "none",
        control_plane="seen" if _control_plane(view) else "not_seen",
        because=list(argument(decision, chain, 0, view.root)),
        settings=_settings(view),
    )


def _everywhere(view: View) -> Iterator[Manifest]:
    """DestinationRules that take the place of automatic mutual TLS."""
    hosts = ("*", "*.local", f"*.{view.domain}", f"*.svc.{view.domain}")
    for manifest in view.inventory.of("DestinationRule", NETWORKING):
        tls = strings(mapping(manifest.spec.get("trafficPolicy")).get("tls"))
        shown = sequence(manifest.spec.get("exportTo")) or ["*"]
        wide = manifest.spec.get("host") in hosts and "*" in shown
        if wide and manifest.namespace == view.root and tls.get("mode") == "ISTIO_MUTUAL":
            yield manifest


def _settings(view: View) -> list[Evidence]:
    config = view.config
    if config.ref:
        return [Evidence(config.ref, config.pointer, "the mesh's configuration")]
    if view.mesh.presence != "present":
        return []
    note = f"no MeshConfig in the input: Istio's defaults are assumed, and {view.root} as its root"
    return [Evidence("", "", note)]


def _sign(view: View) -> Literal["policy", "enrolment", "routing", "none"]:
    if view.manifests:
        return "policy"
    if view.mesh.presence != "present":
        return "none"
    enrolled = any(
        view.enrolment(w).plane in ("sidecar", "ambient") for w in view.inventory.workloads
    )
    return "enrolment" if enrolled or _control_plane(view) else "routing"


def namespace_ref(view: View, name: str) -> ObjectRef:
    """The Namespace object, be it in the input or not."""
    manifest = view.mesh.namespace(name).manifest
    return manifest.ref if manifest else ObjectRef("v1", "Namespace", "", name)


def _control_plane(view: View) -> bool:
    return any(w.labels.get("app") == "istiod" for w in view.inventory.workloads) or bool(
        view.mesh.real_webhooks or view.config.ref
    )


def namespace_facts(view: View, name: str, workloads: Sequence[model.Workload]) -> model.Namespace:
    """The facts about one namespace with workloads."""
    revision = view.revision(name, {})
    chain = view.index(revision).mesh_chain(name)
    decision = workload_decision(chain)
    planes = [workload.plane for workload in workloads]
    return model.Namespace(
        ref=namespace_ref(view, name),
        role=_role(view, name),
        enrolment=_enrolment(view, name),
        intended=mode_of(decision),
        decided_at=level_of(decision, view.root),
        workloads=len(planes),
        enrolled=sum(plane not in ("none", "unknown") for plane in planes),
        unknown=planes.count("unknown"),
        outside=sorted(w.ref.name for w in workloads if _outside(w)),
        because=_because(view, name),
    )


def _outside(workload: model.Workload) -> bool:
    serves = workload.serves == "ports" and workload.role == "application"
    return serves and workload.plane == "none" and workload.reason == "not_labelled"


def _role(view: View, name: str) -> model.Role:
    if name in injection.NEVER_INJECTED:
        return "system"
    return "mesh" if name == view.root else "application"


def _enrolment(
    view: View, name: str
) -> Literal["sidecar", "ambient", "none", "disabled", "unknown"]:
    """What the labels of the namespace do to a pod that has no labels of its own."""
    namespace = view.mesh.namespace(name)
    if name in injection.NEVER_AMBIENT:
        return "none"
    if not namespace.known:
        return "unknown"
    injected = name not in injection.NEVER_INJECTED
    if injected and any(webhook.matches(namespace.labels, {}) for webhook in view.mesh.webhooks):
        return "sidecar"
    if namespace.labels.get(injection.DATAPLANE) == "ambient":
        return "ambient"
    return "disabled" if namespace.labels.get(injection.INJECTION) == "disabled" else "none"


def _because(view: View, name: str) -> list[Evidence]:
    namespace = view.mesh.namespace(name)
    if namespace.manifest is None:
        known = "counts as unlabelled" if namespace.known else "its labels are unknown"
        return [Evidence("", "", f"the input has no Namespace {name}: {known}")]
    found = [
        Evidence(
            namespace.manifest.id,
            "/metadata" + pointer("labels", key),
            f"{key}={namespace.labels[key]}",
        )
        for key in _KEYS
        if key in namespace.labels
    ]
    if found:
        return found
    note = f"no label {', '.join(_KEYS)} on namespace {name}"
    return [Evidence(namespace.manifest.id, "/metadata", note)]
