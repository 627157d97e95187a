# SPDX-License-Identifier: Apache-2.0
"""What do Kyverno's image policies demand?

Authority: kyverno/kyverno api/kyverno/v1/{spec_types,image_verification_types,
match_resources_types,resource_description_types}.go (`verifyImages`, `failureAction`,
`validationFailureAction`, `match`/`exclude` with autogen from Pods to their controllers) and
api/policies.kyverno.io/v1 image_validating_policy.go (`ImageValidatingPolicy`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from kguard.layers.images.semantics.enforcement import (
    ImagePolicy,
    Installed,
    Pattern,
    Subject,
)
from kguard.layers.images.semantics.globs import kyverno_name, wildcard_matches
from kguard.layers.images.semantics.identities import Identity, trust_of, widest
from kguard.layers.images.semantics.matching import (
    all_of,
    any_of,
    one_of,
    selected,
    selects_pods,
    truth,
)
from kguard.layers.images.semantics.policy_controller import read_identity
from kguard.layers.images.semantics.references import Reference
from kguard.model.facts.common import Evidence, Truth
from kguard.model.facts.images import Action, Trust
from kguard.model.locations import pointer
from kguard.model.manifests import JsonObject, Manifest, mapping, sequence, strings

GROUP = "kyverno.io"
NEW_GROUP = "policies.kyverno.io"
_READERS = {"SigstoreBundle": "kyverno-bundle", "Notary": "kyverno-notary"}
WEBHOOK = "mutate.kyverno.svc"
"""How the names of the webhooks begin that verify images (mutating, because they pin digests)."""
_OPAQUE_FILTERS = ("subjects", "roles", "clusterRoles")


def read_rules(manifest: Manifest, exceptions: Sequence[Manifest] = ()) -> Iterator[ImagePolicy]:
    """The rules with `verifyImages` of a ClusterPolicy or Policy, one by one."""
    for index, entry in enumerate(sequence(manifest.spec.get("rules"))):
        rule = mapping(entry)
        for number, check in enumerate(sequence(rule.get("verifyImages"))):
            place = pointer("spec", "rules", index, "verifyImages", number)
            found = _rule(manifest, rule, mapping(check), place)
            found.covers = partial(_covers_beside, manifest, rule, tuple(exceptions))
            yield found


def _covers_beside(
    manifest: Manifest, rule: JsonObject, exceptions: tuple[Manifest, ...], subject: Subject
) -> Truth:
    """Whether a rule covers pods that no PolicyException takes out."""
    covers = _covers(manifest, rule, subject)
    for exception in exceptions:
        names = (manifest.name, f"{manifest.namespace}/{manifest.name}")
        if covers == "false" or not _excepts(exception, names, str(rule.get("name") or "")):
            continue
        taken_out = _block(mapping(exception.spec.get("match")), subject, empty="false")
        if exception.spec.get("conditions") and taken_out == "true":
            taken_out = "unknown"
        if taken_out != "false":
            covers = "false" if taken_out == "true" else "unknown"
    return covers


def _excepts(exception: Manifest, policy_names: tuple[str, ...], rule: str) -> bool:
    for entry in sequence(exception.spec.get("exceptions")):
        fields = mapping(entry)
        if fields.get("policyName") in policy_names and one_of(fields.get("ruleNames"), rule):
            return True
    return False


def _rule(manifest: Manifest, rule: JsonObject, check: JsonObject, place: str) -> ImagePolicy:
    action, action_because = _action(manifest, check, place)
    trust, trust_because = _attestors(manifest, check, place)
    return ImagePolicy(
        enforcer="kyverno",
        id=manifest.id,
        ref=manifest.ref,
        rule=str(rule.get("name") or ""),
        patterns=tuple(_references(check, place)),
        excluded=tuple(_patterns(check, "skipImageReferences", place)),
        matches=_matches,
        covers=lambda subject: _covers(manifest, rule, subject),
        action=action,
        trust=trust,
        reader=_READERS.get(str(check.get("type")), "kyverno-cosign"),
        fails_open=_policy_fails_open(manifest),
        action_because=(action_because,),
        trust_because=trust_because,
        open_because=(_open_evidence(manifest),),
        opaque="its preconditions decide" if rule.get("preconditions") else "",
    )


def _references(check: JsonObject, place: str) -> Iterator[Pattern]:
    yield from _patterns(check, "imageReferences", place)
    if isinstance(image := check.get("image"), str):
        yield Pattern(image, place + "/image")


def _patterns(check: JsonObject, field: str, place: str) -> Iterator[Pattern]:
    for index, text in enumerate(sequence(check.get(field))):
        if isinstance(text, str):
            yield Pattern(text, place + pointer(field, index))


def _matches(pattern: Pattern, reference: Reference) -> bool:
    return wildcard_matches(pattern.text, kyverno_name(reference))


def _action(manifest: Manifest, check: JsonObject, place: str) -> tuple[Action, Evidence]:
    """The rule's action wins over the policy's; without either Kyverno only audits."""
    spec = manifest.spec
    value: Any = check.get("failureAction")
    where = place + "/failureAction"
    if value is None:
        value, where = spec.get("validationFailureAction"), "/spec/validationFailureAction"
    if spec.get("admission") is False:
        note = f"{manifest.ref} does not run at admission"
        return "audit", Evidence(manifest.id, "/spec/admission", note)
    if isinstance(value, str) and value.lower() == "enforce":
        return "enforce", Evidence(manifest.id, where, f"{manifest.ref} refuses bad images")
    note = f"{manifest.ref} only audits"
    return "audit", Evidence(manifest.id, where if value is not None else "/spec", note)


def _policy_fails_open(manifest: Manifest) -> bool:
    return bool(_failure_policy(manifest)[0] == "Ignore")


def _failure_policy(manifest: Manifest) -> tuple[Any, str]:
    webhook = mapping(manifest.spec.get("webhookConfiguration"))
    if "failurePolicy" in webhook:
        return webhook["failurePolicy"], "/spec/webhookConfiguration/failurePolicy"
    return manifest.spec.get("failurePolicy"), "/spec/failurePolicy"


def _open_evidence(manifest: Manifest) -> Evidence:
    note = f"{manifest.ref} lets pods in when Kyverno does not answer"
    return Evidence(manifest.id, _failure_policy(manifest)[1], note)


def _covers(manifest: Manifest, rule: JsonObject, subject: Subject) -> Truth:
    if manifest.kind == "Policy" and manifest.namespace != subject.namespace:
        return "false"
    included = _block(mapping(rule.get("match")), subject, empty="false")
    if included == "false":
        return "false"
    excluded = _block(mapping(rule.get("exclude")), subject, empty="false")
    if excluded == "true":
        return "false"
    return "unknown" if "unknown" in (included, excluded) else "true"


def _block(block: JsonObject, subject: Subject, *, empty: Truth) -> Truth:
    """A match or exclude block: `any` of several filters, `all` of them, or one filter."""
    if "any" in block:
        return any_of([_filter(mapping(f), subject) for f in sequence(block["any"])])
    if "all" in block:
        return all_of([_filter(mapping(f), subject) for f in sequence(block["all"])])
    return _filter(block, subject) if block else empty


def _filter(entry: JsonObject, subject: Subject) -> Truth:
    resources = mapping(entry.get("resources"))
    if any(entry.get(field) for field in _OPAQUE_FILTERS):
        return all_of(["unknown", _resources(resources, subject)])
    return _resources(resources, subject)


def _resources(resources: JsonObject, subject: Subject) -> Truth:
    operations = sequence(resources.get("operations"))
    checks: list[Truth] = [
        truth(_kind_fits(resources, subject)),
        truth(one_of(resources.get("namespaces"), subject.namespace)),
        truth(one_of(resources.get("names"), subject.owner.name)),
        truth(one_of([resources["name"]], subject.owner.name) if "name" in resources else True),
        truth(not operations or "CREATE" in operations),
        selected(resources.get("selector"), subject.labels, known=True),
        selected(
            resources.get("namespaceSelector"),
            subject.namespace_labels,
            known=subject.namespace_known,
        ),
    ]
    return all_of(checks)


def _kind_fits(resources: JsonObject, subject: Subject) -> bool:
    kinds = [k for k in sequence(resources.get("kinds")) if isinstance(k, str)]
    names = {part for kind in kinds for part in kind.split("/")[-2:]}
    return any(wildcard_matches(n, "Pod") or wildcard_matches(n, subject.owner.kind) for n in names)


def _attestors(
    manifest: Manifest, check: JsonObject, place: str
) -> tuple[Trust, tuple[Evidence, ...]]:
    found: list[tuple[Trust, Evidence]] = []
    for index, attestor in enumerate(sequence(check.get("attestors"))):
        for number, entry in enumerate(sequence(mapping(attestor).get("entries"))):
            where = place + pointer("attestors", index, "entries", number)
            found.append(_entry(manifest, mapping(entry), where))
    if not found and not sequence(check.get("attestations")):
        note = f"{manifest.ref} names no attestor, so that no signature is asked for"
        return "everyone", (Evidence(manifest.id, place, note),)
    trust = widest([value for value, _ in found] or ["named"])
    return trust, tuple(evidence for value, evidence in found if value == trust)


def _entry(manifest: Manifest, entry: JsonObject, where: str) -> tuple[Trust, Evidence]:
    if "keyless" not in entry:
        return "named", Evidence(manifest.id, where, f"{manifest.ref} trusts a key or certificate")
    return keyless_trust(manifest, mapping(entry["keyless"]), where + "/keyless")


def keyless_trust(manifest: Manifest, entry: JsonObject, where: str) -> tuple[Trust, Evidence]:
    """How wide a keyless identity is; Kyverno takes `*` in `subject` and `issuer` as wildcard."""
    identity = read_identity(entry)
    if identity.subject == "*" or not (identity.subject or identity.subject_regexp):
        identity = Identity(identity.issuer, identity.issuer_regexp, "", ".*")
    if identity.issuer == "*":
        identity = Identity("", ".*", identity.subject, identity.subject_regexp)
    trust = trust_of(identity)
    words = {
        "everyone": "accepts signers that nobody has heard of",
        "unanchored": "matches in the middle of longer identities too",
        "unknown": "has an expression that cannot be judged here",
    }.get(trust, "accepts")
    return trust, Evidence(manifest.id, where, f"{manifest.ref} {words}: {identity.text}")


def read_image_policy(manifest: Manifest) -> ImagePolicy:
    """An ImageValidatingPolicy or NamespacedImageValidatingPolicy."""
    action, action_because = _validation_action(manifest)
    trust, trust_because = _declared_attestors(manifest)
    return ImagePolicy(
        enforcer="kyverno",
        id=manifest.id,
        ref=manifest.ref,
        patterns=tuple(_image_references(manifest)),
        matches=_matches,
        covers=lambda subject: _constraints_cover(manifest, subject),
        action=action,
        trust=trust,
        reader="kyverno-image-policy",
        fails_open=manifest.spec.get("failurePolicy") == "Ignore",
        action_because=(action_because,),
        trust_because=trust_because,
        open_because=(_open_evidence(manifest),),
        opaque_patterns=any(
            "expression" in strings(entry)
            for entry in sequence(manifest.spec.get("matchImageReferences"))
        ),
        opaque="its matchConditions decide" if manifest.spec.get("matchConditions") else "",
    )


def _image_references(manifest: Manifest) -> Iterator[Pattern]:
    """Globs; without any entry every image matches, and an expression is not evaluated here."""
    entries = sequence(manifest.spec.get("matchImageReferences"))
    if not entries:
        yield Pattern("*", "/spec")
    for index, entry in enumerate(entries):
        glob = strings(entry).get("glob")
        if glob is not None:
            yield Pattern(glob, pointer("spec", "matchImageReferences", index, "glob"))


def _validation_action(manifest: Manifest) -> tuple[Action, Evidence]:
    actions = sequence(manifest.spec.get("validationActions"))
    admission = mapping(mapping(manifest.spec.get("evaluation")).get("admission"))
    if admission.get("enabled") is False:
        note = f"{manifest.ref} does not run at admission"
        return "audit", Evidence(manifest.id, "/spec/evaluation/admission/enabled", note)
    if not actions or "Deny" in actions:
        note = f"{manifest.ref} refuses bad images"
        return "enforce", Evidence(manifest.id, "/spec/validationActions" if actions else "", note)
    action: Action = "warn" if "Warn" in actions else "audit"
    words = "only warns" if action == "warn" else "only audits"
    return action, Evidence(manifest.id, "/spec/validationActions", f"{manifest.ref} {words}")


def _declared_attestors(manifest: Manifest) -> tuple[Trust, tuple[Evidence, ...]]:
    """An attestor that no `validations` expression uses is never asked."""
    texts = [strings(v).get("expression", "") for v in sequence(manifest.spec.get("validations"))]
    used = "\n".join(texts)
    found: list[tuple[Trust, Evidence]] = []
    for index, entry in enumerate(sequence(manifest.spec.get("attestors"))):
        name = strings(entry).get("name", "")
        if f"attestors.{name}" in used or f'attestors["{name}"]' in used:
            found += _attestor(manifest, mapping(entry), pointer("spec", "attestors", index))
    if not found:
        note = f"no validation of {manifest.ref} verifies a signature with an attestor"
        return "everyone", (Evidence(manifest.id, "/spec", note),)
    trust = widest([value for value, _ in found])
    return trust, tuple(evidence for value, evidence in found if value == trust)


def _attestor(manifest: Manifest, entry: JsonObject, where: str) -> list[tuple[Trust, Evidence]]:
    keyless = mapping(mapping(entry.get("cosign")).get("keyless"))
    if not keyless:
        note = f"{manifest.ref} trusts a key or certificate"
        return [("named", Evidence(manifest.id, where, note))]
    place = where + "/cosign/keyless"
    if not sequence(keyless.get("identities")):
        note = f"{manifest.ref} is keyless and names no identity: anybody satisfies it"
        return [("everyone", Evidence(manifest.id, place, note))]
    return [
        keyless_trust(manifest, mapping(identity), place + pointer("identities", index))
        for index, identity in enumerate(sequence(keyless.get("identities")))
    ]


def _constraints_cover(manifest: Manifest, subject: Subject) -> Truth:
    if manifest.kind.startswith("Namespaced") and manifest.namespace != subject.namespace:
        return "false"
    constraints = mapping(manifest.spec.get("matchConstraints"))
    rules = sequence(constraints.get("resourceRules"))
    seen = any(_rule_sees_pods(mapping(rule), subject) for rule in rules)
    return all_of([truth(seen), selects_pods(constraints, subject)])


def _rule_sees_pods(rule: JsonObject, subject: Subject) -> bool:
    wanted = {"pods", "*", "*/*", subject.owner.kind.lower() + "s"}
    resources, operations = _texts(rule.get("resources")), _texts(rule.get("operations"))
    return bool(wanted & resources) and bool(operations & {"CREATE", "*"})


def _texts(value: Any) -> set[str]:
    return {text for text in sequence(value) if isinstance(text, str)}


def installed(
    policies: Sequence[Manifest],
    image_policies: Sequence[Manifest],
    exceptions: Sequence[Manifest] = (),
) -> Installed:
    """Kyverno as the input shows it."""
    rules = [rule for manifest in policies for rule in read_rules(manifest, exceptions)]
    rules += [read_image_policy(manifest) for manifest in image_policies]
    because = tuple(Evidence(rule.id, "", f"{rule.ref} does not match it") for rule in rules)
    return Installed("kyverno", rules, lambda _: ("true", ()), ("not_matched", because))
