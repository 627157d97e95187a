# SPDX-License-Identifier: Apache-2.0
"""How do namespaces and workloads come into the mesh?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from kguard.inventory import Inventory, injection
from kguard.layers.mtls.remedy.policies import (
    fact_of,
    for_api_server,
    manifest_of,
    workload_of,
    workload_policy,
)
from kguard.model.facts import mtls as model
from kguard.model.findings import Finding
from kguard.model.locations import pointer
from kguard.model.manifests import Manifest, mapping
from kguard.model.remedies import Cannot, Edit, Operation, Proposal, Refused, RemedyRequest

_KEYS = (injection.INJECTION, injection.REVISION, injection.DATAPLANE)
_DEFAULT = (injection.INJECTION, "enabled")
_KNATIVE = ("knative-serving", "knative-eventing")
_OBSTACLES = {
    "host_network": ("its pods share the node's network", "give up hostNetwork, or wait for it"),
    "no_webhook": (
        "no injection webhook answers for its labels",
        "install a control plane of that revision, or name one that is installed",
    ),
    "ambient_off": (
        "istio-cni leaves ambient off, whatever the labels say",
        "switch it on: ambient.enabled in the values of istio-cni",
    ),
    "not_restarted": (
        "the manifests are right, its pods are older",
        "kubectl rollout restart",
    ),
}


def enrol(request: RemedyRequest) -> Iterator[Proposal]:
    """Label namespaces as the enrolled ones are; take back opt-outs only if told to tighten."""
    for finding in request.findings:
        if finding.target.kind == "Namespace":
            yield from _webhooks(request, finding)
            yield _namespace(request, finding)
        else:
            yield _workload(request, finding)


def _namespace(request: RemedyRequest, finding: Finding) -> Proposal:
    facts: model.Facts = request.facts
    fact = next(n for n in facts.namespaces if n.ref.id == finding.target.id)
    manifest = manifest_of(request.inventory, finding.target)
    if manifest is None:
        reason = "the input has no Namespace object to label"
        return Cannot((finding.fingerprint,), reason, _label_command(finding))
    if fact.enrolment == "disabled" and not request.tighten:
        reason = "the namespace says itself that it stays out"
        return Refused((finding.fingerprint,), reason, "istio-injection=disabled")
    if request.stage != "enforce" and fact.intended == "strict":
        reason = f"policy is STRICT: the stage {request.stage} has no rung before it"
        return Cannot((finding.fingerprint,), reason, "run again with --stage enforce")
    key, value = _usual_label(request.inventory, facts)
    why = f"new pods of namespace {finding.target.name} get a proxy; restart the running ones"
    if finding.target.name in _KNATIVE:
        why += ", activator and autoscaler first, before the pods that they call become STRICT"
    operations = (_set_label(manifest, "/metadata", key, value),)
    return Edit(manifest.id, operations, (finding.fingerprint,), why)


def _webhooks(request: RemedyRequest, finding: Finding) -> Iterator[Proposal]:
    """With a proxy, STRICT counts: ports that the API server calls need their exception first."""
    facts: model.Facts = request.facts
    if request.stage != "enforce" or manifest_of(request.inventory, finding.target) is None:
        return
    for fact in facts.workloads:
        workload = workload_of(request.inventory, fact.ref)
        ports = [
            port
            for group in fact.modes
            if group.caller == "apiserver" and group.intended == "strict"
            for port in group.ports
        ]
        here = fact.ref.namespace == finding.target.name and fact.reason == "not_labelled"
        if here and ports and workload and workload.labels:
            why = f"the API server calls {fact.ref.name} without mesh identity"
            exceptions = for_api_server(request, ports)
            closes = [finding.fingerprint]
            yield workload_policy(request, workload, "STRICT", exceptions, closes, why)


def _label_command(finding: Finding) -> str:
    key, value = _DEFAULT
    return f"kubectl label namespace {finding.target.name} {key}={value}"


def _usual_label(inventory: Inventory, facts: model.Facts) -> tuple[str, str]:
    """The label that most enrolled namespaces of the input carry."""
    found: Counter[tuple[str, str]] = Counter()
    for fact in facts.namespaces:
        if fact.enrolment in ("sidecar", "ambient"):
            labels = inventory.namespace_labels(fact.ref.name)
            found.update((key, labels[key]) for key in _KEYS if key in labels)
    best = sorted(found.items(), key=lambda item: (-item[1], item[0]))
    return best[0][0] if best else _DEFAULT


def _set_label(manifest: Manifest, metadata: str, key: str, value: str) -> Operation:
    if metadata == "/metadata" and isinstance(manifest.metadata.get("labels"), dict):
        place = metadata + pointer("labels", key)
        if key in manifest.labels:
            return Operation("replace", place, value)
        return Operation("add", place, value)
    return Operation("add", f"{metadata}/labels", {key: value})


def _workload(request: RemedyRequest, finding: Finding) -> Proposal:
    fact = fact_of(request.facts, finding.target)
    workload = workload_of(request.inventory, finding.target)
    if fact is None or workload is None:
        return Cannot((finding.fingerprint,), "the workload is not in the input")
    if fact.reason in _OBSTACLES:
        reason, instead = _OBSTACLES[fact.reason]
        return Cannot((finding.fingerprint,), reason, instead)
    if not request.tighten:
        reason = "its author took it out of the mesh; --tighten puts it back"
        note = fact.because[0].note if fact.because else ""
        return Refused((finding.fingerprint,), reason, note)
    place = workload.pod_metadata_pointer
    operations = [
        Operation("remove", place + pointer(field, key))
        for field, held in (("labels", workload.labels), ("annotations", workload.annotations))
        for key, value in ((injection.INJECT, "false"), (injection.DATAPLANE, "none"))
        if mapping(held).get(key) == value
    ]
    why = f"{finding.target.name} gets a proxy like the rest of its namespace"
    return Edit(workload.id, tuple(operations), (finding.fingerprint,), why)
