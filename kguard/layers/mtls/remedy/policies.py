# SPDX-License-Identifier: Apache-2.0
"""How is a PeerAuthentication written or changed so that it is the one that counts?

Only forms that mean the same in both data planes are written: an explicit mode, and exceptions as
PERMISSIVE ports, never DISABLE and never ports without a mode of the workload.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from kguard.inventory import Inventory, Workload
from kguard.inventory.acceptances import PREFIX
from kguard.layers.mtls.facts.exemptions import write
from kguard.model.facts import mtls as model
from kguard.model.findings import Finding
from kguard.model.locations import pointer
from kguard.model.manifests import JsonObject, Manifest, ObjectRef, mapping
from kguard.model.remedies import Cannot, Create, Edit, Operation, RemedyRequest

API_VERSION = "security.istio.io/v1"
GROUP = "security.istio.io"
KIND = "PeerAuthentication"


def manifest_of(inventory: Inventory, ref: ObjectRef) -> Manifest | None:
    """The object that a fact is about."""
    return inventory.find(ref.kind, ref.group, ref.namespace, ref.name)


def workload_of(inventory: Inventory, ref: ObjectRef) -> Workload | None:
    """The workload that a fact is about."""
    here = inventory.workloads_by_namespace.get(ref.namespace, ())
    return next((workload for workload in here if workload.id == ref.id), None)


def fact_of(facts: model.Facts, ref: ObjectRef) -> model.Workload | None:
    """The facts about a finding's target."""
    return next((workload for workload in facts.workloads if workload.ref.id == ref.id), None)


def titled(facts: model.Facts, title: str) -> model.PeerAuthentication | None:
    """The facts about a policy that a port names as the one that decides."""
    names = (f"{KIND} {p.ref.namespace}/{p.ref.name}" for p in facts.policies)
    return next((p for p, name in zip(facts.policies, names, strict=True) if name == title), None)


def named(finding: Finding) -> list[str]:
    """The ports that a finding's path names (`port/8443`, `8443/9443`)."""
    return [part for part in finding.path.split("/") if part.isdecimal()]


def set_mode(manifest: Manifest, mode: str, at: tuple[str, ...] = ("mtls",)) -> Operation:
    """The operation that sets a mode, however much of the path is there already."""
    spec = manifest.object.get("spec")
    if not isinstance(spec, dict):
        return Operation(_verb(manifest.object, "spec"), "/spec", _nested(at, mode))
    node: JsonObject = spec
    for depth, key in enumerate(at):
        child = node.get(key)
        if not isinstance(child, dict):
            value = _nested(at[depth + 1 :], mode)
            return Operation(_verb(node, key), pointer("spec", *at[: depth + 1]), value)
        node = child
    return Operation(_verb(node, "mode"), pointer("spec", *at, "mode"), mode)


def _verb(node: JsonObject, key: str) -> Any:
    return "replace" if key in node else "add"


def _nested(keys: tuple[str, ...], mode: str) -> JsonObject:
    value: JsonObject = {"mode": mode}
    for key in reversed(keys):
        value = {key: value}
    return value


def edit(manifest: Manifest, operations: list[Operation], closes: list[str], why: str) -> Edit:
    """A change of an existing object."""
    return Edit(manifest.id, tuple(operations), tuple(sorted(closes)), why)


def scope_policy(
    inventory: Inventory, namespace: str, mode: str, closes: list[str], why: str
) -> Create:
    """A policy of a whole namespace, or of the mesh if it is the root namespace."""
    return _create(inventory, (namespace, "default"), {"mtls": {"mode": mode}}, closes, why)


def workload_policy(
    request: RemedyRequest,
    workload: Workload,
    mode: str,
    ports: Mapping[str, str],
    closes: list[str],
    why: str,
) -> Create | Edit:
    """The policy of one workload, with ports that stay open: its own, or a new one.

    Args:
        request: the findings and the input.
        workload: whose pods.
        mode: of all other ports.
        ports: the ports that stay PERMISSIVE, each with the annotation that accounts for it.
        closes: fingerprints.
        why: in words.
    """
    manifest = _own_policy(request, workload)
    notes = {f"{PREFIX}{port}": note for port, note in ports.items()}
    if manifest:
        operations = [] if mode_set(manifest) else [set_mode(manifest, mode)]
        exceptions = [set_mode(manifest, "PERMISSIVE", ("portLevelMtls", p)) for p in ports]
        noted = list(_annotations(manifest, notes))
        return edit(manifest, [*operations, *exceptions, *noted], closes, why)
    spec: JsonObject = {
        "selector": {"matchLabels": selecting(workload)},
        "mtls": {"mode": mode},
    }
    if ports:
        spec["portLevelMtls"] = {port: {"mode": "PERMISSIVE"} for port in ports}
    names = (workload.namespace, workload.name)
    made = _create(request.inventory, names, spec, closes, why)
    if notes:
        made.object["metadata"]["annotations"] = notes
    return made


def _annotations(manifest: Manifest, notes: dict[str, str]) -> Iterator[Operation]:
    held = manifest.metadata.get("annotations")
    if not isinstance(held, dict):
        if notes:
            yield Operation(_verb(manifest.metadata, "annotations"), "/metadata/annotations", notes)
        return
    for key, note in notes.items():
        yield Operation(_verb(held, key), "/metadata" + pointer("annotations", key), note)


def accounted(request: RemedyRequest, reason: str, days: int) -> str:
    """The annotation of an exception: its reason, and how long it is meant to last."""
    start = datetime.fromisoformat(request.at) if request.at else datetime(1970, 1, 1, tzinfo=UTC)
    return write(reason, start.date() + timedelta(days=days))


CALLER_DAYS = 90
"""How long a port stays open for a caller that should come into the mesh."""
API_SERVER_DAYS = 365
"""How long for the API server, which will not: the exception is looked at once a year."""
API_SERVER = "the API server calls it without mesh identity"


def for_api_server(request: RemedyRequest, ports: list[str]) -> dict[str, str]:
    """Ports that the API server calls, with their annotation."""
    return dict.fromkeys(ports, accounted(request, API_SERVER, API_SERVER_DAYS))


def mode_set(manifest: Manifest) -> bool:
    """Whether the policy has a mode of its own."""
    return mapping(manifest.spec.get("mtls")).get("mode") not in (None, "UNSET")


def _own_policy(request: RemedyRequest, workload: Workload) -> Manifest | None:
    """The workload policy that counts for the pods, if there is one."""
    facts: model.Facts = request.facts
    for policy in facts.policies:
        if policy.scope != "workload" or policy.state != "decides":
            continue
        manifest = manifest_of(request.inventory, policy.ref)
        if manifest is None or manifest.namespace != workload.namespace:
            continue
        chosen = mapping(mapping(manifest.spec.get("selector")).get("matchLabels"))
        if chosen.items() <= workload.labels.items():
            return manifest
    return None


def _create(
    inventory: Inventory,
    names: tuple[str, str],
    spec: JsonObject,
    closes: list[str],
    why: str,
) -> Create:
    namespace, wanted = names
    name = wanted
    if inventory.find(KIND, GROUP, namespace, wanted):
        name = f"{wanted}-mtls"
    metadata = {"name": name, "namespace": namespace}
    created = {"apiVersion": API_VERSION, "kind": KIND, "metadata": metadata, "spec": spec}
    return Create(created, tuple(sorted(closes)), why)


def selecting(workload: Workload) -> dict[str, str]:
    """The labels by which the workload's controller knows its pods."""
    selector = mapping(workload.manifest.spec.get("selector"))
    chosen = mapping(selector.get("matchLabels")) or selector
    labels = {k: v for k, v in workload.labels.items() if chosen.get(k) == v}
    if workload.knative == "serving":
        key = "serving.knative.dev/service"
        labels = {key: workload.labels[key]} if key in workload.labels else {}
    return labels or dict(workload.labels)


def too_early(request: RemedyRequest, rung: Rung) -> Cannot | None:
    """The answer to all findings where the stage does not reach the rung of a remedy."""
    if STAGES.index(request.stage) >= STAGES.index(rung):
        return None
    fingerprints = tuple(sorted(finding.fingerprint for finding in request.findings))
    reason = f"the stage {request.stage} {_STAGE_WORDS[request.stage]}"
    return Cannot(fingerprints, reason, f"run again with --stage {rung}")


Rung = Literal["observe", "warn", "enforce"]
STAGES: tuple[Rung, ...] = ("observe", "warn", "enforce")
"""Enrol; offer mutual TLS and mend the clients; ask for it."""
_STAGE_WORDS = {
    "observe": "changes neither what is offered nor what clients send",
    "warn": "refuses no plaintext yet",
    "enforce": "",
}


def callers_of(facts: model.Facts, target: ObjectRef) -> Iterator[model.Caller]:
    """Who would be cut off if the workload asked for an identity.

    Callers with a sidecar are mended by the remedy of what makes them withhold theirs; where
    that is not possible, the proof refuses.
    """
    for caller in facts.callers:
        here = caller.target.id == target.id and caller.verdict == "works"
        if here and caller.identity != "withheld":
            yield caller


def in_words(caller: model.Caller) -> str:
    """A counterexample: who calls what without identity."""
    note = caller.because[0].note if caller.because else ""
    shows = _SHOWS[caller.identity]
    return f"{caller.ref} calls port {caller.port} of {caller.target.name} and {shows} ({note})"


_SHOWS = {
    "none": "has no mesh identity",
    "unknown": "may have no mesh identity",
    "withheld": "does not show its mesh identity",
}
