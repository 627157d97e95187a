# SPDX-License-Identifier: Apache-2.0
"""How does the installed enforcer come to refuse bad images, without refusing the good ones?

A policy is switched to enforcing only when every image that it decides about is known to pass:
otherwise the next restart of a pod would be refused. The images that would not pass are the
counterexample.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from kguard.inventory import Inventory
from kguard.layers.images.facts.enforcers import find_enforcers, subject_of
from kguard.layers.images.remedy.demand import demand
from kguard.layers.images.remedy.passing import passes, why_stopped
from kguard.layers.images.remedy.pin import uses_by_finding
from kguard.layers.images.semantics.enforcement import Decision, decide
from kguard.layers.images.semantics.policy_controller import INCLUDE_LABEL
from kguard.layers.images.semantics.references import InvalidReferenceError, parse_reference
from kguard.layers.images.semantics.visibility import kind_of, sees
from kguard.model.facts.images import Facts, ImageUse, PolicyFact
from kguard.model.findings import Finding
from kguard.model.locations import pointer
from kguard.model.manifests import Manifest, mapping, sequence
from kguard.model.remedies import (
    Cannot,
    Edit,
    Operation,
    Proposal,
    Refused,
    RemedyRequest,
)

_REFUSING = ("enforced", "fail_open")


def enforce_policy(request: RemedyRequest) -> Iterator[Proposal]:
    """Switch a policy that only warns or audits to enforcing."""
    for finding in request.findings:
        manifest = request.inventory.by_id(finding.target.id)
        if not isinstance(manifest, Manifest):
            reason = f"{finding.target} lies on the nodes"
            yield Cannot((finding.fingerprint,), reason, "change it where the nodes get it from")
            continue
        policy = _policy(request.facts, finding)
        decided = _decided_by(request.facts, manifest.id, finding.path)
        stopped = [use for use in decided if not passes(use, manifest)]
        if stopped:
            yield _refused(finding, stopped, manifest)
        elif policy is not None:
            why = f"every image that {manifest.ref} decides about is known to pass"
            for ref, operations in _enforcing(manifest, policy):
                yield Edit(ref, operations, (finding.fingerprint,), why)


def _policy(facts: Facts, finding: Finding) -> PolicyFact | None:
    for policy in facts.policies:
        if policy.ref == finding.target and policy.rule == finding.path:
            return policy
    return None


def _decided_by(facts: Facts, policy: str, rule: str) -> list[ImageUse]:
    return [use for use in facts.uses if (use.decided_by, use.rule) == (policy, rule)]


def _refused(
    finding: Finding, stopped: Sequence[ImageUse], policy: Manifest | None = None
) -> Refused:
    names = sorted({f"{use.ref}: {use.image} ({why_stopped(use, policy)})" for use in stopped})
    what = "an image that runs" if len(names) == 1 else f"{len(names)} images that run"
    reason = f"{what} would be refused, or nobody knows"
    return Refused((finding.fingerprint,), reason, "; ".join(names))


def _enforcing(
    manifest: Manifest, policy: PolicyFact
) -> Iterator[tuple[str, tuple[Operation, ...]]]:
    """The objects to change, and how."""
    spec = manifest.spec
    if policy.enforcer == "policy-controller":
        yield manifest.id, (Operation("replace", "/spec/mode", "enforce"),)
    elif policy.enforcer == "gatekeeper-ratify":
        known = "enforcementAction" in spec
        yield manifest.id, (_set("/spec/enforcementAction", "deny", known=known),)
    elif policy.enforcer == "connaisseur":
        for evidence in policy.action_because:
            yield evidence.ref, (Operation("replace", evidence.pointer, "false"),)
    elif "Validating" in manifest.kind:
        known = "validationActions" in spec
        yield manifest.id, (_set("/spec/validationActions", ["Deny"], known=known),)
    elif operations := tuple(_kyverno_operations(manifest, policy.rule)):
        yield manifest.id, operations


def _kyverno_operations(manifest: Manifest, rule: str) -> Iterator[Operation]:
    for index, entry in enumerate(sequence(manifest.spec.get("rules"))):
        if str(mapping(entry).get("name") or "") != rule:
            continue
        for number, check in enumerate(sequence(mapping(entry).get("verifyImages"))):
            place = pointer("spec", "rules", index, "verifyImages", number, "failureAction")
            yield _set(place, "Enforce", known="failureAction" in mapping(check))


def fail_closed(request: RemedyRequest) -> Iterator[Proposal]:
    """Refuse pods while the enforcer does not answer."""
    for finding in request.findings:
        places = {
            (evidence.ref, evidence.pointer)
            for policy in request.facts.policies
            if policy.opened_by == finding.target
            for evidence in policy.open_because
        }
        for ref, place in sorted(places):
            if not ref:
                reason = "the webhook of the enforcer is not in the input"
                hint = "helm upgrade gatekeeper ... --set validatingWebhookFailurePolicy=Fail"
                yield Cannot((finding.fingerprint,), reason, hint)
                continue
            why = "an unreachable webhook must not be a way around it"
            yield Edit(ref, (Operation("replace", place, "Fail"),), (finding.fingerprint,), why)


def enforce(request: RemedyRequest) -> Iterator[Proposal]:
    """Have the installed enforcer look at a namespace, or at an image."""
    uses = dict(_by_finding(request))
    for finding in request.findings:
        if finding.target.kind == "Namespace":
            yield _opt_in(request, finding)
        elif (use := uses.get(finding.fingerprint)) is not None:
            yield demand(finding, use, request)


def _by_finding(request: RemedyRequest) -> Iterator[tuple[str, ImageUse]]:
    for finding, use in uses_by_finding(request.facts, request.findings):
        yield finding.fingerprint, use


def _opt_in(request: RemedyRequest, finding: Finding) -> Proposal:
    inventory, facts = request.inventory, request.facts
    name = finding.target.name
    if "policy-controller" not in facts.enforcers:
        return _no_label(finding, facts)
    manifest = inventory.find("Namespace", "", "", name)
    if manifest is None:
        hint = f"kubectl label namespace {name} {INCLUDE_LABEL}=true"
        return Cannot((finding.fingerprint,), f"namespace {name} is not in the input", hint)
    return _labelled(request, finding, manifest)


_IGNORED = {
    "gatekeeper-ratify": "admission.gatekeeper.sh/ignore",
    "connaisseur": "securesystemsengineering.connaisseur/webhook",
}
"""Labels with which a namespace stays out of an enforcer's sight."""


def _no_label(finding: Finding, facts: Facts) -> Cannot:
    """Another enforcer, or none: nothing that a label could switch on."""
    name = finding.target.name
    label = next((_IGNORED[e] for e in facts.enforcers if e in _IGNORED), "")
    if label:
        reason = f"namespace {name} is left out with a label, by whoever may set it"
        hint = f"kubectl label namespace {name} {label}-"
        return Cannot((finding.fingerprint,), reason, hint)
    return Cannot(
        (finding.fingerprint,),
        "no admission enforcer for image signatures is installed",
        "install sigstore's policy-controller or Kyverno, then a policy with your signers",
    )


def _labelled(request: RemedyRequest, finding: Finding, manifest: Manifest) -> Proposal:
    """The label, unless images would be refused, or let in without any check."""
    uses = [use for use in request.facts.uses if use.ref.namespace == manifest.name]
    decided = [(use, _if_opted_in(request.inventory, request.facts, use)) for use in uses]
    stopped = [
        u
        for u, d in decided
        if d.enforcement in _REFUSING and not _would_pass(u, d, request.inventory)
    ]
    if stopped:
        return _refused(finding, stopped)
    ignored = sorted({u.image for u, d in decided if d.enforcement not in _CHECKING})
    if ignored:
        return Cannot(
            (finding.fingerprint,),
            f"no policy says who has to sign {', '.join(ignored)}: the label alone checks nothing",
            f"add a ClusterImagePolicy for them, then label the namespace {INCLUDE_LABEL}=true",
        )
    why = f"policy-controller then checks the images of {manifest.name}; all of them pass"
    return Edit(manifest.id, tuple(_label(manifest)), (finding.fingerprint,), why)


_CHECKING = (*_REFUSING, "warn_only")


def _would_pass(use: ImageUse, decision: Decision, inventory: Inventory) -> bool:
    """Whether the policy that would decide lets the image in."""
    seen = sees(decision.reader, kind_of(use.format, use.signer, use.issuer))
    policy = inventory.by_id(decision.policy)
    decided = msgspec.structs.replace(use, visible=seen)
    return passes(decided, policy if isinstance(policy, Manifest) else None)


def _if_opted_in(inventory: Inventory, facts: Facts, use: ImageUse) -> Decision:
    """What would be decided if the namespace carried the label."""
    workload = next(w for w in inventory.workloads if w.id == use.manifest)
    subject = subject_of(inventory, workload)
    labels = {**subject.namespace_labels, INCLUDE_LABEL: "true"}
    subject = msgspec.structs.replace(subject, namespace_labels=labels, namespace_known=True)
    try:
        reference = parse_reference(use.image)
    except InvalidReferenceError:
        return Decision("unknown")
    return decide(find_enforcers(inventory, facts.scope), subject, reference)


def _label(manifest: Manifest) -> Iterator[Operation]:
    labels = manifest.metadata.get("labels")
    if isinstance(labels, dict):
        place = pointer("metadata", "labels", INCLUDE_LABEL)
        yield _set(place, "true", known=INCLUDE_LABEL in labels)
    else:
        yield Operation("add", "/metadata/labels", {INCLUDE_LABEL: "true"})


def _set(place: str, value: Any, *, known: bool) -> Operation:
    return Operation("replace" if known else "add", place, value)
