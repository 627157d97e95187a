# SPDX-License-Identifier: Apache-2.0
"""What does sigstore's policy-controller demand of an image?

Authority: sigstore/policy-controller config/500-webhook-configuration.yaml (namespace opt-in),
pkg/apis/policy/v1beta1/clusterimagepolicy_types.go, pkg/webhook/validator.go (every matching
policy, any authority; `no-match-policy`), pkg/apis/config/policy_controller.go.
"""

from __future__ import annotations

import msgspec

from kguard.inventory.selectors import InvalidSelectorError, parse_selector
from kguard.layers.images.semantics.enforcement import (
    ImagePolicy,
    Installed,
    Pattern,
    Subject,
)
from kguard.layers.images.semantics.globs import (
    InvalidGlobError,
    compile_glob,
    glob_admits,
    names_a_tag,
)
from kguard.layers.images.semantics.identities import Identity, trust_of, widest
from kguard.layers.images.semantics.matching import selected
from kguard.layers.images.semantics.policy_controller_checks import problems
from kguard.layers.images.semantics.references import Reference
from kguard.model.facts.common import Evidence, Truth
from kguard.model.facts.images import Action, Enforcement, Trust
from kguard.model.locations import pointer
from kguard.model.manifests import JsonObject, Manifest, ObjectRef, mapping, sequence, strings

GROUP = "policy.sigstore.dev"
INCLUDE_LABEL = "policy.sigstore.dev/include"
WEBHOOK = "policy.sigstore.dev"
"""Name of the validating webhook and of its configuration."""
CONFIG_MAP = "config-policy-controller"
NO_MATCH_KEY = "no-match-policy"


def read_policy(manifest: Manifest, webhook: Manifest | None = None) -> ImagePolicy:
    """A ClusterImagePolicy as its webhook understands it."""
    spec = manifest.spec
    trust, because = _trust(manifest)
    fails_open = _fails_open(webhook, *_hook(webhook))
    return ImagePolicy(
        enforcer="policy-controller",
        id=manifest.id,
        ref=manifest.ref,
        patterns=tuple(_patterns(spec)),
        matches=_matches,
        covers=lambda subject: _covers(spec, subject),
        action=_action(spec),
        trust=trust,
        reader=_reader(spec),
        fails_open=bool(fails_open),
        opened_by=webhook.ref if webhook else None,
        action_because=(_mode_evidence(manifest),),
        trust_because=because,
        open_because=fails_open,
        refused=tuple(
            Evidence(manifest.id, place, f"policy-controller refuses {manifest.ref}: {words}")
            for place, words in problems(spec)
        ),
        opaque=_opaque(spec, trust),
    )


def _opaque(spec: JsonObject, trust: Trust) -> str:
    """A policy over what the authorities found can still refuse what all of them accept."""
    if trust == "everyone" and mapping(spec.get("policy")):
        return "a policy in CUE or Rego decides (spec.policy)"
    return ""


def _reader(spec: JsonObject) -> str:
    """Bundles are read by authorities that say so and name the predicate they expect."""
    authorities = [mapping(entry) for entry in sequence(spec.get("authorities"))]
    bundles = any(
        a.get("signatureFormat") == "bundle" and a.get("attestations") for a in authorities
    )
    return "policy-controller-bundle" if bundles else "policy-controller"


def _patterns(spec: JsonObject) -> list[Pattern]:
    found = []
    for index, entry in enumerate(sequence(spec.get("images"))):
        glob = strings(entry).get("glob")
        if glob is not None:
            place = pointer("spec", "images", index, "glob")
            found.append(Pattern(glob, place, _why_dead(glob)))
    return found


def _why_dead(glob: str) -> str:
    try:
        compile_glob(glob)
    except InvalidGlobError as error:
        return f"policy-controller refuses it: {error}"
    if names_a_tag(glob):
        return "policy-controller compares repository@sha256:... with it, never a tag"
    return ""


def _matches(pattern: Pattern, reference: Reference) -> bool:
    return glob_admits(pattern.text, reference)


def _action(spec: JsonObject) -> Action:
    """A policy without any authority fails with an error, which no mode makes a warning."""
    warns = spec.get("mode") == "warn" and sequence(spec.get("authorities"))
    return "warn" if warns else "enforce"


def _mode_evidence(manifest: Manifest) -> Evidence:
    mode = manifest.spec.get("mode")
    if _action(manifest.spec) == "warn":
        return Evidence(manifest.id, "/spec/mode", f"{manifest.ref} only warns")
    note = f"{manifest.ref} refuses what it cannot verify"
    return Evidence(manifest.id, "/spec/mode" if mode else "", note)


_PODS = ObjectRef("v1", "Pod")
_ON_THE_WAY = {
    ("apps", "Deployment"): (ObjectRef("apps/v1", "ReplicaSet"), _PODS),
    ("batch", "CronJob"): (ObjectRef("batch/v1", "Job"), _PODS),
    ("apps", "ReplicaSet"): (_PODS,),
    ("apps", "StatefulSet"): (_PODS,),
    ("apps", "DaemonSet"): (_PODS,),
    ("batch", "Job"): (_PODS,),
    ("", "Pod"): (),
}
"""What the webhook sees (cmd/webhook/main.go, `types`), and what follows from it."""


def views(subject: Subject) -> list[Subject]:
    """The owner with its own labels, and everything on the way to its pods with theirs.

    Owners of other kinds (Knative's) are seen by their pods alone.
    """
    owner = subject.owner
    after = _ON_THE_WAY.get((owner.group, owner.kind))
    found = []
    if after is not None:
        labels = subject.owner_labels if after else subject.labels
        found.append(msgspec.structs.replace(subject, labels=labels))
    made = (_PODS,) if after is None else after
    return found + [msgspec.structs.replace(subject, owner=ref) for ref in made]


def _covers(spec: JsonObject, subject: Subject) -> Truth:
    """`spec.match`: without entries everything; otherwise one entry must fit the object."""
    entries = sequence(spec.get("match"))
    if not entries:
        return "true"
    return "true" if any(_entry_covers(mapping(entry), subject) for entry in entries) else "false"


def _entry_covers(entry: JsonObject, subject: Subject) -> bool:
    """config/image_policies.go, `GetMatchingPolicies`; a version of `*` is any."""
    ref = subject.owner
    version = ref.api_version.rpartition("/")[2]
    text = strings(entry)
    wanted = (text.get("resource", ""), text.get("group", ""))
    if wanted != (ref.kind.lower() + "s", ref.group) or text.get("version") not in (version, "*"):
        return False
    try:
        selector = parse_selector(entry.get("selector"))
    except InvalidSelectorError:
        return False
    return selector is None or selector.matches(subject.labels)


def _trust(manifest: Manifest) -> tuple[Trust, tuple[Evidence, ...]]:
    found: list[tuple[Trust, Evidence]] = []
    for index, entry in enumerate(sequence(manifest.spec.get("authorities"))):
        found += _authority(manifest, mapping(entry), pointer("spec", "authorities", index))
    trust = widest([value for value, _ in found])
    if trust == "nobody":
        note = f"{manifest.ref} names no authority, so that nothing satisfies it"
        return trust, (Evidence(manifest.id, "/spec", note),)
    return trust, tuple(evidence for value, evidence in found if value == trust)


def _authority(manifest: Manifest, entry: JsonObject, place: str) -> list[tuple[Trust, Evidence]]:
    name = entry.get("name") or "an authority"
    if static := mapping(entry.get("static")):
        where = place + "/static/action"
        if static.get("action") == "pass":
            note = f"{name} accepts every image without any signature (static: pass)"
            return [("everyone", Evidence(manifest.id, where, note))]
        return [("nobody", Evidence(manifest.id, where, f"{name} refuses every image"))]
    if "keyless" in entry:
        return _keyless(manifest, mapping(entry["keyless"]), place + "/keyless", str(name))
    return [("named", Evidence(manifest.id, place, f"{name} trusts one key"))]


def _keyless(
    manifest: Manifest, keyless: JsonObject, place: str, name: str
) -> list[tuple[Trust, Evidence]]:
    if mapping(keyless.get("ca-cert")) and not keyless.get("url"):
        note = f"nothing satisfies {name}: policy-controller verifies no keyless without a url"
        return [("nobody", Evidence(manifest.id, place + "/ca-cert", note))]
    if keyless.get("trustRootRef"):
        return [("named", Evidence(manifest.id, place, f"{name} trusts a certificate authority"))]
    entries = sequence(keyless.get("identities"))
    if not entries:
        note = f"{name} is keyless and names no identity: anybody's signature satisfies it"
        return [("everyone", Evidence(manifest.id, place, note))]
    found: list[tuple[Trust, Evidence]] = []
    for index, entry in enumerate(entries):
        identity = read_identity(mapping(entry))
        trust = trust_of(identity)
        found.append((trust, _identity_evidence(manifest, place, index, identity, trust)))
    return found


def read_identity(entry: JsonObject) -> Identity:
    """An identity as ClusterImagePolicies and Kyverno write it."""
    text = strings(entry)
    return Identity(
        issuer=text.get("issuer", ""),
        issuer_regexp=text.get("issuerRegExp", ""),
        subject=text.get("subject", ""),
        subject_regexp=text.get("subjectRegExp", ""),
    )


def _identity_evidence(
    manifest: Manifest, place: str, index: int, identity: Identity, trust: Trust
) -> Evidence:
    where = place + pointer("identities", index)
    text = {
        "everyone": f"accepts signers that nobody has heard of: {identity.text}",
        "unanchored": f"matches in the middle of longer identities too: {identity.text}",
        "unknown": f"has an expression that cannot be judged here: {identity.text}",
    }.get(trust, f"accepts {identity.text}")
    return Evidence(manifest.id, where, f"{manifest.ref} {text}")


def installed(
    policies: list[Manifest],
    webhook: Manifest | None,
    config: Manifest | None,
    *,
    config_absent: bool,
) -> Installed:
    """policy-controller as the input shows it.

    Args:
        policies: the ClusterImagePolicies of the group `policy.sigstore.dev`.
        webhook: its ValidatingWebhookConfiguration; None where the input has none, then the one
            that the project ships is taken.
        config: its ConfigMap.
        config_absent: whether a ConfigMap that is not there is known not to exist.
    """
    hook, place = _hook(webhook)
    return Installed(
        "policy-controller",
        [read_policy(manifest, webhook) for manifest in policies],
        lambda subject: _selected(webhook, hook, place, subject),
        _no_match(config, absent=config_absent),
        tuple(Evidence(m.id, "", f"{m.ref} does not match it") for m in policies),
        views,
    )


def _hook(webhook: Manifest | None) -> tuple[JsonObject, str]:
    if webhook is not None:
        for index, entry in enumerate(sequence(webhook.object.get("webhooks"))):
            if strings(entry).get("name") == WEBHOOK:
                return mapping(entry), pointer("webhooks", index)
    return {"namespaceSelector": _SHIPPED_SELECTOR, "failurePolicy": "Fail"}, ""


_SHIPPED_SELECTOR = {
    "matchExpressions": [{"key": INCLUDE_LABEL, "operator": "In", "values": ["true"]}]
}


def _fails_open(webhook: Manifest | None, hook: JsonObject, place: str) -> tuple[Evidence, ...]:
    if webhook is None or hook.get("failurePolicy") != "Ignore":
        return ()
    note = f"{webhook.ref} lets pods in when policy-controller does not answer"
    return (Evidence(webhook.id, place + "/failurePolicy", note),)


def _selected(
    webhook: Manifest | None, hook: JsonObject, place: str, subject: Subject
) -> tuple[Truth, tuple[Evidence, ...]]:
    try:
        selector = parse_selector(hook.get("namespaceSelector") or {})
    except InvalidSelectorError as error:
        where = Evidence(webhook.id if webhook else "", place, f"its selector is invalid: {error}")
        return "unknown", (where,)
    if selector is None or selector.matches(subject.namespace_labels):
        return _pods_selected(webhook, hook, place, subject)
    if not subject.namespace_known:
        note = f"the labels of namespace {subject.namespace} are not in the input"
        return "unknown", (Evidence(note=note),)
    return "false", (_not_opted_in(webhook, place, subject),)


def _pods_selected(
    webhook: Manifest | None, hook: JsonObject, place: str, subject: Subject
) -> tuple[Truth, tuple[Evidence, ...]]:
    """Whether the webhook that looks at the namespace looks at these pods of it."""
    ref = webhook.id if webhook else ""
    labels = selected(hook.get("objectSelector"), subject.labels, known=True)
    if labels != "true":
        note = "the labels of the pods are not those that the webhook's objectSelector asks for"
        return labels, (Evidence(ref, f"{place}/objectSelector", note),)
    if hook.get("matchConditions"):
        note = "expressions decide which pods the webhook sees"
        return "unknown", (Evidence(ref, f"{place}/matchConditions", note),)
    return "true", ()


def _not_opted_in(webhook: Manifest | None, place: str, subject: Subject) -> Evidence:
    name = subject.namespace
    value = subject.namespace_labels.get(INCLUDE_LABEL)
    lacks = f"has {INCLUDE_LABEL}={value}" if value else f"lacks the label {INCLUDE_LABEL}=true"
    note = f"namespace {name} {lacks}, so that policy-controller does not look at its pods"
    if subject.namespace_id or webhook is None:
        return Evidence(subject.namespace_id, "/metadata" if subject.namespace_id else "", note)
    return Evidence(webhook.id, place + "/namespaceSelector", note)


def _no_match(config: Manifest | None, *, absent: bool) -> tuple[Enforcement, tuple[Evidence, ...]]:
    """Images that no policy matches are refused, unless the ConfigMap says otherwise."""
    if config is None and not absent:
        note = f"no policy matches it, and the ConfigMap {CONFIG_MAP} is not in the input"
        return "not_matched", (Evidence(note=note),)
    value = strings(config.object.get("data")).get(NO_MATCH_KEY) if config else None
    ref = config.id if config else ""
    place = pointer("data", NO_MATCH_KEY) if value else ""
    if value == "allow":
        return "not_matched", (Evidence(ref, place, "no policy matches it: let in"),)
    if value == "warn":
        return "warn_only", (Evidence(ref, place, "no policy matches it: only a warning"),)
    return "enforced", (Evidence(ref, place, "no policy matches it: refused"),)
