# SPDX-License-Identifier: Apache-2.0
"""What do Gatekeeper's constraints demand of images, with Ratify behind them?

Authority: open-policy-agent/gatekeeper pkg/mutation/match/match.go and website/docs/howto.md
(`spec.match`, `spec.enforcementAction`: `deny` unless something else is said), website/docs/
externaldata.md (`external_data` asks a provider), the chart's ValidatingWebhookConfiguration
(`validation.gatekeeper.sh`, shipped with `failurePolicy: Ignore`), and notaryproject/ratify
library/default/template.yaml with its objects (`config.ratify.deislabs.io`). What a template does
with Ratify's answer is Rego: without a Verifier nobody knows what it decides.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kguard.layers.images.semantics.enforcement import ImagePolicy, Installed, Pattern, Subject
from kguard.layers.images.semantics.globs import wildcard_matches
from kguard.layers.images.semantics.matching import all_of, one_of, selected, selects_pods, truth
from kguard.model.facts.common import Evidence, Truth
from kguard.model.facts.images import Action
from kguard.model.locations import pointer
from kguard.model.manifests import JsonObject, Manifest, mapping, sequence, strings

TEMPLATES = "templates.gatekeeper.sh"
CONSTRAINTS = "constraints.gatekeeper.sh"
RATIFY = "config.ratify.deislabs.io"
WEBHOOK = "validation.gatekeeper.sh"
_ACTIONS: dict[str, Action] = {"deny": "enforce", "warn": "warn", "dryrun": "audit"}
_SHIPPED = {
    "failurePolicy": "Ignore",
    "namespaceSelector": {
        "matchExpressions": [{"key": "admission.gatekeeper.sh/ignore", "operator": "DoesNotExist"}]
    },
}


def asking_kinds(templates: Iterable[Manifest]) -> Iterator[str]:
    """The kinds of constraints whose templates ask Ratify."""
    for template in templates:
        texts = "".join(_texts(template.spec))
        if "external_data" in texts and "ratify" in texts:
            names = mapping(mapping(mapping(template.spec.get("crd")).get("spec")).get("names"))
            if kind := strings(names).get("kind"):
                yield kind


def _texts(spec: JsonObject) -> Iterator[str]:
    for target in map(mapping, sequence(spec.get("targets"))):
        yield strings(target).get("rego", "")
        for code in map(mapping, sequence(target.get("code"))):
            yield strings(code.get("source")).get("rego", "")


def installed(
    constraints: list[Manifest], webhook: Manifest | None, verifiers: list[Manifest]
) -> Installed:
    """Gatekeeper with Ratify as the input shows them.

    Args:
        constraints: those whose template asks Ratify.
        webhook: Gatekeeper's ValidatingWebhookConfiguration; None where the input has none, then
            the one that the project ships is taken.
        verifiers: Ratify's Verifier objects.
    """
    hook, place = _hook(webhook)
    return Installed(
        "gatekeeper-ratify",
        [_read(manifest, webhook, hook, place, verifiers) for manifest in constraints],
        lambda subject: _looks(webhook, hook, place, subject),
        ("not_matched", tuple(_elsewhere(manifest) for manifest in constraints)),
    )


def _elsewhere(manifest: Manifest) -> Evidence:
    return Evidence(manifest.id, "/spec/match", f"{manifest.ref} does not match these pods")


def _hook(webhook: Manifest | None) -> tuple[JsonObject, str]:
    if webhook is not None:
        for index, entry in enumerate(sequence(webhook.object.get("webhooks"))):
            if strings(entry).get("name") == WEBHOOK:
                return mapping(entry), pointer("webhooks", index)
    return _SHIPPED, ""


def _looks(
    webhook: Manifest | None, hook: JsonObject, place: str, subject: Subject
) -> tuple[Truth, tuple[Evidence, ...]]:
    ref = webhook.id if webhook else ""
    value = selects_pods(hook, subject)
    if value == "true":
        return value, ()
    note = f"Gatekeeper's webhook does not look at namespace {subject.namespace}"
    if value == "unknown":
        note = f"whether Gatekeeper's webhook looks at namespace {subject.namespace} is not known"
    return value, (Evidence(ref, f"{place}/namespaceSelector" if ref else "", note),)


def _read(
    manifest: Manifest,
    webhook: Manifest | None,
    hook: JsonObject,
    place: str,
    verifiers: list[Manifest],
) -> ImagePolicy:
    action, because = _action(manifest)
    fails_open = hook.get("failurePolicy", "Fail") == "Ignore"
    note = "Gatekeeper is shipped so that pods are let in while it does not answer"
    where = Evidence(note=note)
    if webhook is not None:
        note = f"{webhook.ref} lets pods in while Gatekeeper does not answer"
        where = Evidence(webhook.id, f"{place}/failurePolicy", note)
    trusted = tuple(Evidence(v.id, "/spec", f"{v.ref} says whom to trust") for v in verifiers)
    return ImagePolicy(
        enforcer="gatekeeper-ratify",
        id=manifest.id,
        ref=manifest.ref,
        patterns=(Pattern("*", "/spec/match"),),
        matches=lambda _, __: True,
        covers=lambda subject: _covers(manifest, subject),
        action=action,
        trust="named" if verifiers else "unknown",
        reader="ratify",
        fails_open=fails_open,
        opened_by=webhook.ref if webhook else None,
        action_because=(because,),
        open_because=(where,),
        trust_because=trusted or (Evidence(manifest.id, "", "no Verifier is in the input"),),
    )


def _action(manifest: Manifest) -> tuple[Action, Evidence]:
    word = strings(manifest.spec).get("enforcementAction", "deny")
    if word == "scoped":
        return _scoped(manifest)
    action = _ACTIONS.get(word, "audit")
    place = "/spec/enforcementAction" if "enforcementAction" in manifest.spec else "/spec"
    return action, Evidence(manifest.id, place, f"{manifest.ref}: {word}")


def _scoped(manifest: Manifest) -> tuple[Action, Evidence]:
    """The action at the webhook, where several are given for several enforcement points."""
    place = "/spec/scopedEnforcementActions"
    for entry in map(mapping, sequence(manifest.spec.get("scopedEnforcementActions"))):
        points = {strings(p).get("name", "") for p in sequence(entry.get("enforcementPoints"))}
        if points & {WEBHOOK, "*"}:
            word = strings(entry).get("action", "")
            return _ACTIONS.get(word, "audit"), Evidence(manifest.id, place, f"{word} at admission")
    return "audit", Evidence(manifest.id, place, f"{manifest.ref} does nothing at admission")


def _covers(manifest: Manifest, subject: Subject) -> Truth:
    """`spec.match`: all that is given must fit; pods count, or the object that makes them."""
    match = mapping(manifest.spec.get("match"))
    excluded = sequence(match.get("excludedNamespaces"))
    return all_of(
        [
            truth(_kinds_fit(match, subject)),
            _name_fits(match, subject),
            truth(one_of(match.get("namespaces"), subject.namespace)),
            truth(not excluded or not one_of(excluded, subject.namespace)),
            truth(strings(match).get("scope", "*") in ("*", "Namespaced")),
            selected(match.get("labelSelector"), subject.labels, known=True),
            selects_pods({"namespaceSelector": match.get("namespaceSelector")}, subject),
        ]
    )


def _name_fits(match: JsonObject, subject: Subject) -> Truth:
    """`spec.match.name` is the pod's, which its owner makes up: only a bare pod's is known."""
    wanted = strings(match).get("name", "")
    if not wanted:
        return "true"
    if subject.owner.kind == "Pod":
        return truth(wildcard_matches(wanted, subject.owner.name))
    return "unknown"


def _kinds_fit(match: JsonObject, subject: Subject) -> bool:
    entries = [mapping(entry) for entry in sequence(match.get("kinds"))]
    seen = (("", "Pod"), (subject.owner.group, subject.owner.kind))
    return not entries or any(
        {group, "*"} & {*_words(entry, "apiGroups", "*")}
        and {kind, "*"} & {*_words(entry, "kinds", "*")}
        for entry in entries
        for group, kind in seen
    )


def _words(entry: JsonObject, name: str, default: str) -> list[str]:
    return [text for text in sequence(entry.get(name)) if isinstance(text, str)] or [default]
