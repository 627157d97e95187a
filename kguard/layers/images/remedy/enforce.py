# SPDX-License-Identifier: Apache-2.0
"""How does the installed enforcer come to refuse bad images, without refusing the good ones?

A policy is switched to enforcing only when every image that it decides about is known to pass:
otherwise the next restart of a pod would be refused. The images that would not pass are the
counterexample.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from kguard.inventory import Inventory
from kguard.layers.images.facts.enforcers import find_enforcers, subject_of
from kguard.layers.images.semantics.enforcement import Decision, decide
from kguard.layers.images.semantics.policy_controller import INCLUDE_LABEL
from kguard.layers.images.semantics.references import InvalidReferenceError, parse_reference
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

_PASSES = ("verified", "signed_via_index")
_REFUSING = ("enforced", "fail_open")


def enforce_policy(request: RemedyRequest) -> Iterator[Proposal]:
    """Switch a policy that only warns or audits to enforcing."""
    for finding in request.findings:
        manifest = request.inventory.by_id(finding.target.id)
        if not isinstance(manifest, Manifest):
            continue
        policy = _policy(request.facts, finding)
        stopped = [u for u in _decided_by(request.facts, manifest.id) if not _passes(u)]
        if stopped:
            yield _refused(finding, stopped)
        elif policy is not None and (operations := _enforcing(manifest, policy)):
            why = f"every image that {manifest.ref} decides about is known to pass"
            yield Edit(manifest.id, operations, (finding.fingerprint,), why)


def _policy(facts: Facts, finding: Finding) -> PolicyFact | None:
    for policy in facts.policies:
        if policy.ref == finding.target and policy.rule == finding.path:
            return policy
    return None


def _decided_by(facts: Facts, policy: str) -> list[ImageUse]:
    return [use for use in facts.uses if use.decided_by == policy]


def _passes(use: ImageUse) -> bool:
    return use.signature in _PASSES


def _refused(finding: Finding, stopped: Sequence[ImageUse]) -> Refused:
    names = sorted({f"{use.ref}: {use.image} ({use.signature_reason})" for use in stopped})
    reason = f"{len(names)} images that run would be refused, or may be: nobody knows"
    return Refused((finding.fingerprint,), reason, "; ".join(names))


def _enforcing(manifest: Manifest, policy: PolicyFact) -> tuple[Operation, ...]:
    spec = manifest.spec
    if policy.enforcer == "policy-controller":
        return (Operation("replace", "/spec/mode", "enforce"),)
    if "Validating" in manifest.kind:
        op = "replace" if "validationActions" in spec else "add"
        return (Operation(op, "/spec/validationActions", ["Deny"]),)  # type: ignore[arg-type]
    return tuple(_kyverno_operations(manifest, policy.rule))


def _kyverno_operations(manifest: Manifest, rule: str) -> Iterator[Operation]:
    for index, entry in enumerate(sequence(manifest.spec.get("rules"))):
        if str(mapping(entry).get("name") or "") != rule:
            continue
        for number, check in enumerate(sequence(mapping(entry).get("verifyImages"))):
            place = pointer("spec", "rules", index, "verifyImages", number, "failureAction")
            known = "failureAction" in mapping(check)
            yield Operation("replace" if known else "add", place, "Enforce")


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
            why = "an unreachable webhook must not be a way around it"
            yield Edit(ref, (Operation("replace", place, "Fail"),), (finding.fingerprint,), why)


def enforce(request: RemedyRequest) -> Iterator[Proposal]:
    """Have the installed enforcer look at a namespace, or at an image."""
    for finding in request.findings:
        if finding.target.kind == "Namespace":
            yield _opt_in(request, finding)
        else:
            yield Cannot(
                (finding.fingerprint,),
                "whose signature the image should carry is not known",
                "add a pattern for it to a policy of the enforcer, with the signer you trust",
            )


def _opt_in(request: RemedyRequest, finding: Finding) -> Proposal:
    inventory, facts = request.inventory, request.facts
    name = finding.target.name
    if "policy-controller" not in facts.enforcers:
        return Cannot(
            (finding.fingerprint,),
            "no admission enforcer for image signatures is installed",
            "install sigstore's policy-controller or Kyverno, then a policy with your signers",
        )
    manifest = inventory.find("Namespace", "", "", name)
    if manifest is None:
        hint = f"kubectl label namespace {name} {INCLUDE_LABEL}=true"
        return Cannot((finding.fingerprint,), f"namespace {name} is not in the input", hint)
    stopped = [u for u in _in(facts, name) if _refuses(inventory, facts, u) and not _passes(u)]
    if stopped:
        return _refused(finding, stopped)
    why = f"policy-controller then looks at the images of {name}; none of them would be refused"
    return Edit(manifest.id, tuple(_label(manifest)), (finding.fingerprint,), why)


def _in(facts: Facts, namespace: str) -> list[ImageUse]:
    return [use for use in facts.uses if use.ref.namespace == namespace]


def _refuses(inventory: Inventory, facts: Facts, use: ImageUse) -> bool:
    return _if_opted_in(inventory, facts, use).enforcement in _REFUSING


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
    metadata = manifest.object.get("metadata")
    if isinstance(metadata, dict) and isinstance(metadata.get("labels"), dict):
        op = "replace" if INCLUDE_LABEL in metadata["labels"] else "add"
        place = pointer("metadata", "labels", INCLUDE_LABEL)
        yield Operation(op, place, "true")  # type: ignore[arg-type]
    else:
        yield Operation("add", "/metadata/labels", {INCLUDE_LABEL: "true"})
