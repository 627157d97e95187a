# SPDX-License-Identifier: Apache-2.0
"""What does Connaisseur demand of an image?

Authority: sse-secure-systems/connaisseur charts/connaisseur (values.yaml, templates/
configmaps.yaml, env.yaml, webhook+certificate.yaml), internal/policy/match.go (of several rules
that match, the most specific one counts) and docs/validators. Its cosign validator is cosign 2.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from kguard.layers.images.semantics.enforcement import ImagePolicy, Installed, Pattern, Subject
from kguard.layers.images.semantics.globs import wildcard_matches
from kguard.layers.images.semantics.matching import selects_pods
from kguard.layers.images.semantics.references import DEFAULT_TAG, DOCKER_HUB, Reference
from kguard.model.facts.common import Evidence, Truth
from kguard.model.facts.images import Trust
from kguard.model.locations import pointer
from kguard.model.manifests import JsonObject, Manifest, mapping, sequence, strings

CONFIG_KEY = "config.yaml"
CONFIG_SUFFIX, ENVIRONMENT_SUFFIX = "-app-config", "-env"
WEBHOOK_PREFIX = "connaisseur-svc."
_SHIPPED = {
    "failurePolicy": "Fail",
    "namespaceSelector": {
        "matchExpressions": [
            {
                "key": "securesystemsengineering.connaisseur/webhook",
                "operator": "NotIn",
                "values": ["ignore"],
            }
        ]
    },
}


def installed(
    config: Manifest, content: Any, environment: Manifest | None, webhook: Manifest | None
) -> Installed:
    """Connaisseur as the input shows it.

    Args:
        config: the ConfigMap with its validators and rules.
        content: what stands in it.
        environment: the ConfigMap with its features.
        webhook: its MutatingWebhookConfiguration; None for the one that the chart ships.
    """
    hook, place = _hook(webhook)
    fields = mapping(content)
    listed = [mapping(entry) for entry in sequence(fields.get("validators"))]
    validators = {strings(entry).get("name", ""): entry for entry in listed}
    rules = [mapping(rule) for rule in sequence(fields.get("policy"))]
    patterns = [strings(rule).get("pattern", "") for rule in rules]
    policies = [
        _read(config, rule, patterns, validators, environment)
        for rule, pattern in zip(rules, patterns, strict=True)
        if pattern
    ]
    for policy in policies:
        _open(policy, webhook, hook, place)
    note = f"no rule of {config.ref} matches it: refused"
    return Installed(
        "connaisseur",
        policies,
        lambda subject: _looks(webhook, hook, place, subject),
        ("enforced", (Evidence(config.id, pointer("data", CONFIG_KEY), note),)),
    )


def _hook(webhook: Manifest | None) -> tuple[JsonObject, str]:
    if webhook is not None:
        for index, entry in enumerate(sequence(webhook.object.get("webhooks"))):
            if strings(entry).get("name", "").startswith(WEBHOOK_PREFIX):
                return mapping(entry), pointer("webhooks", index)
    return _SHIPPED, ""


def _open(policy: ImagePolicy, webhook: Manifest | None, hook: JsonObject, place: str) -> None:
    if webhook is not None and hook.get("failurePolicy") == "Ignore":
        note = f"{webhook.ref} lets pods in while Connaisseur does not answer"
        policy.fails_open, policy.opened_by = True, webhook.ref
        policy.open_because = (Evidence(webhook.id, f"{place}/failurePolicy", note),)


def _looks(
    webhook: Manifest | None, hook: JsonObject, place: str, subject: Subject
) -> tuple[Truth, tuple[Evidence, ...]]:
    value = selects_pods(hook, subject)
    if value == "true":
        return value, ()
    word = "does not look" if value == "false" else "may or may not look"
    note = f"Connaisseur's webhook {word} at namespace {subject.namespace}"
    ref = webhook.id if webhook else ""
    return value, (Evidence(ref, f"{place}/namespaceSelector" if ref else "", note),)


def _read(
    config: Manifest,
    rule: JsonObject,
    patterns: list[str],
    validators: dict[str, JsonObject],
    environment: Manifest | None,
) -> ImagePolicy:
    text = strings(rule)
    place = pointer("data", CONFIG_KEY)
    trust, words = _trust(validators.get(text.get("validator") or "default"))
    only_warns, because = _detects(config, environment)
    return ImagePolicy(
        enforcer="connaisseur",
        id=config.id,
        ref=config.ref,
        rule=text["pattern"],
        patterns=(Pattern(text["pattern"], place),),
        matches=partial(_is_most_specific, patterns),
        covers=lambda _: "true",
        action="warn" if only_warns else "enforce",
        trust=trust,
        reader="connaisseur",
        action_because=(because,),
        trust_because=(Evidence(config.id, place, f"{text['pattern']}: {words}"),),
    )


def _detects(config: Manifest, environment: Manifest | None) -> tuple[bool, Evidence]:
    data = strings(environment.object.get("data")) if environment else {}
    if environment is not None and data.get("DETECTION_MODE", "").lower() in ("true", "1"):
        note = f"{environment.ref} switches detection mode on: only warnings"
        return True, Evidence(environment.id, pointer("data", "DETECTION_MODE"), note)
    note = f"{config.ref} makes Connaisseur refuse other images"
    return False, Evidence(config.id, pointer("data", CONFIG_KEY), note)


def _trust(validator: JsonObject | None) -> tuple[Trust, str]:
    if validator is None:
        return "nobody", "its validator does not exist, so that nothing satisfies it"
    if validator.get("type") == "static":
        if str(validator.get("approve")).lower() == "true":
            return "everyone", "its validator approves every image without any signature"
        return "nobody", "its validator refuses every image"
    if any(True for _ in _roots(validator)):
        return "named", "its validator trusts a key or signer"
    return "unknown", "whom its validator trusts is not in the input"


def _roots(validator: JsonObject) -> Iterator[JsonObject]:
    for entry in map(mapping, sequence(validator.get("trustRoots"))):
        if entry.get("key") or entry.get("cert") or entry.get("keyless"):
            yield entry


def _is_most_specific(patterns: list[str], pattern: Pattern, reference: Reference) -> bool:
    """Whether a pattern matches, and no other that matches is more specific."""
    name = _name(reference)
    matching = [text for text in patterns if wildcard_matches(text, name)]
    return pattern.text in matching and max(matching, key=partial(_rank, name)) == pattern.text


def _name(reference: Reference) -> str:
    """The full name; a digest counts before a tag."""
    registry = "docker.io" if reference.registry == DOCKER_HUB else reference.registry
    digest, tag = reference.digest, reference.tag or DEFAULT_TAG
    return f"{registry}/{reference.repository}" + (f"@{digest}" if digest else f":{tag}")


def _rank(name: str, pattern: str) -> tuple[int, list[int], list[int]]:
    """More parts, then longer common beginnings of the parts, then longer parts."""
    parts, named = pattern.split("/"), name.split("/")
    common = [_common(part, other) for part, other in zip(parts, named, strict=False)]
    return len(parts), common, [len(part) for part in parts]


def _common(first: str, second: str) -> int:
    pairs = zip(first, second, strict=False)
    return next((n for n, (a, b) in enumerate(pairs) if a != b), min(len(first), len(second)))
