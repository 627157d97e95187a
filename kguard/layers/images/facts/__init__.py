# SPDX-License-Identifier: Apache-2.0
"""What is effectively so about every image of the input?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from kguard.inventory import Inventory
from kguard.layers.images.facts.enforcers import demanding, find_enforcers, subject_of
from kguard.layers.images.facts.mirrors import mirror_facts
from kguard.layers.images.facts.policies import namespace_facts, policy_facts
from kguard.layers.images.facts.uses import Use, knative_settings, uses_of
from kguard.layers.images.semantics import policy_controller
from kguard.layers.images.semantics.enforcement import Decision, Installed, decide
from kguard.layers.images.semantics.predicates import SIGN_PREDICATES
from kguard.layers.images.semantics.references import is_placeholder
from kguard.layers.images.semantics.visibility import INDEX_ONLY, Cell, cell_of, kind_of
from kguard.layers.images.signatures import NOT_ASKED, Assessment, Assessor, open_assessor
from kguard.model.facts.common import Evidence, Presence, Truth
from kguard.model.facts.images import Attestation, EvidenceFact, Facts, How, ImageUse
from kguard.model.layer import Request

__all__ = ["compute", "named_uses"]


def compute(inventory: Inventory, request: Request) -> Facts:
    """The facts document of the layer."""
    uses = named_uses(inventory)
    enforcers = find_enforcers(inventory, request.scope)
    roots = inventory.of("TrustRoot", policy_controller.GROUP)
    secrets = partial(inventory.find, "Secret", "")
    assessor = open_assessor(request, demanding(inventory), roots, secrets)
    if assessor is not None:
        if assessor.registries is not None:
            from kguard.layers.images.facts.pull_secrets import give_logins

            give_logins(inventory, uses, assessor.registries)
        wanted = (
            (use.reference, use.digest) for use in uses if use.reference and use.how != "pod_config"
        )
        assessor.prepare(wanted, request.progress)
    mirrors, problems = mirror_facts(inventory, uses)
    return Facts(
        scope=request.scope,
        presence=_presence(inventory, uses),
        enforcers=[enforcer.enforcer for enforcer in enforcers],
        evidence=_evidence(assessor, problems),
        uses=_image_uses(inventory, uses, enforcers, assessor),
        namespaces=namespace_facts(inventory, uses, enforcers),
        policies=policy_facts(uses, enforcers),
        mirrors=mirrors,
    )


def named_uses(inventory: Inventory) -> list[Use]:
    """Every image that the input names or its pods run."""
    settings = knative_settings(inventory)
    return [use for w in inventory.workloads for use in uses_of(inventory, w, settings)]


def _presence(inventory: Inventory, uses: Sequence[Use]) -> Presence:
    if uses:
        return "present"
    return "unknown" if inventory.unknown_kinds("Pod") else "absent"


def _evidence(assessor: Assessor | None, problems: list[str]) -> EvidenceFact:
    if assessor is None:
        return EvidenceFact("none", 0, [], {}, [], problems)
    found = assessor.problems
    return EvidenceFact(
        state="unreadable" if found else "read",
        images=assessor.images,
        trusted=assessor.trusted,
        keys=assessor.keys,
        roots=assessor.roots,
        problems=[*found, *problems],
    )


def _image_uses(
    inventory: Inventory,
    uses: Sequence[Use],
    enforcers: Sequence[Installed],
    assessor: Assessor | None,
) -> list[ImageUse]:
    known: dict[tuple[str, ...], Decision] = {}
    found = []
    for use in uses:
        decision = _decision(inventory, use, enforcers, known)
        found.append(_image_use(use, decision, assessor))
    return sorted(found, key=lambda u: (u.ref, u.role, u.container, u.pointer))


def _decision(
    inventory: Inventory,
    use: Use,
    enforcers: Sequence[Installed],
    known: dict[tuple[str, ...], Decision],
) -> Decision:
    """Pods with equal labels in one namespace share the decision about an image."""
    if use.reference is None:
        return Decision("unknown", because=tuple(use.because))
    workload = use.workload
    key: tuple[str, ...] = ()
    if enforcers:
        labels = (text for pair in sorted(workload.labels.items()) for text in pair)
        key = (use.image, workload.namespace, workload.manifest.kind, workload.name, *labels)
    if key not in known:
        known[key] = decide(enforcers, subject_of(inventory, workload), use.reference)
    return known[key]


def _image_use(use: Use, decision: Decision, assessor: Assessor | None) -> ImageUse:
    digest, how = _digest(use, assessor)
    found = _assess(use, digest, assessor)
    moved, moved_to = _moved(use, assessor)
    cell = _visible(found, decision)
    return ImageUse(
        ref=use.workload.ref,
        container=use.container,
        role=use.role,
        image=use.image,
        label=_label(use.image),
        placeholder="true" if use.reference is None and is_placeholder(use.image) else "false",
        pointer=use.pointer,
        manifest=use.manifest.id,
        reference=use.reference.context if use.reference else "",
        registry=use.reference.registry if use.reference else "",
        digest=digest,
        how=how,
        origin=use.origin,
        running=list(use.running),
        alike=_alike(use),
        moved=moved,
        moved_to=moved_to,
        mutability=use.mutability,
        signature=found.signature,
        signature_reason=found.reason,
        signer=found.signer,
        issuer=found.issuer,
        format=found.format,
        location=found.location,
        attestations=_attestations(found),
        enforcement=decision.enforcement,
        enforcer=decision.enforcer,
        visible=cell.seen if cell else "unknown",
        visible_because=[Evidence(note=cell.words)] if cell else [],
        decided_by=decision.policy,
        rule=decision.rule,
        because=use.because,
        running_because=list(use.running_because),
        signature_because=_signature_evidence(use, found),
        enforcement_because=list(decision.because),
    )


_TRUSTED: Mapping[str, Truth] = {
    "verified": "true",
    "verified_attestation_only": "true",
    "wrong_identity": "false",
    "unjudged": "unknown",
}


def _attestations(found: Assessment) -> list[Attestation]:
    """The statements that hold and say more than that the image is signed."""
    return [
        Attestation(
            s.predicate, _TRUSTED[s.verdict], s.signer, s.issuer, s.builder, s.source, s.ref
        )
        for s in found.signatures
        if s.predicate and s.predicate not in SIGN_PREDICATES and s.verdict in _TRUSTED
    ]


def _signature_evidence(use: Use, found: Assessment) -> list[Evidence]:
    """Nothing is said about what was not asked for: it is no part of any finding."""
    if found.signature == "not_evaluated":
        return []
    return [Evidence(use.manifest.id, use.pointer, found.reason), *found.because]


def _label(image: str) -> str:
    name, at, digest = image.partition("@")
    return f"{name}@{digest[:_SHORT_DIGEST]}" if at else image


_SHORT_DIGEST = len("sha256:") + 12


def _visible(found: Assessment, decision: Decision) -> Cell | None:
    """What the table says about the enforcer in charge and the signature that holds."""
    if found.signature == "signed_via_index":
        return cell_of(decision.reader, INDEX_ONLY)
    if found.signature != "verified":
        return None
    return cell_of(decision.reader, kind_of(found.format, found.signer, found.issuer))


def _alike(use: Use) -> Truth:
    if not use.running:
        return "unknown"
    return "true" if len(use.running) == 1 else "false"


def _moved(use: Use, assessor: Assessor | None) -> tuple[Truth, str]:
    """Whether a tag names something else than what runs; an index names what it lists."""
    if assessor is None or use.reference is None or use.reference.digest or not use.digest:
        return "unknown", ""
    if use.how not in ("pod_status", "revision_status"):
        return "unknown", ""
    return assessor.moved(use.reference, use.digest)


def _digest(use: Use, assessor: Assessor | None) -> tuple[str, How]:
    if use.digest or use.how == "pod_config" or assessor is None or use.reference is None:
        return use.digest, use.how
    digest = assessor.digest_of(use.reference)
    return digest, assessor.how(use.reference) if digest else "unresolved"


def _assess(use: Use, digest: str, assessor: Assessor | None) -> Assessment:
    if use.reference is None:
        return Assessment("unresolvable", f"the reference cannot be read: {use.problem}")
    if use.how == "pod_config":
        reason = "its pods run an image that was loaded into the node, not pulled from a registry"
        return Assessment("unresolvable", reason)
    if assessor is None:
        return NOT_ASKED
    return assessor.assess(use.reference, digest, use.elsewhere)
