# SPDX-License-Identifier: Apache-2.0
"""What does Falco Talon do by itself when an alert comes, and does it cut anybody off?

Authority: falcosecurity/falco-talon internal/rules/rules.go and actionners/actionners.go (0.3): a
rules file has `action` items with an `actionner`, and `rule` items that match alerts and name
actions; a rule with `dry_run` does nothing. Before 0.1 a rule had a `name` and one `action`, whose
`name` is the actionner in any case, `terminate` and `label` alone being those of Kubernetes
(internal/rules/rules.go, `GetActionCategory`; internal/rule/rule.go, `ruleCheckRegex`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from kguard.inventory import Inventory
from kguard.layers.runtime.facts.texts import Text, from_config_map, from_document
from kguard.layers.runtime.traces import is_responses
from kguard.model.facts import runtime as model
from kguard.model.manifests import strings
from kguard.sources.yaml import untyped
from kguard.sources.yaml.untyped import Mapping as Node
from kguard.sources.yaml.untyped import Scalar, Sequence

_EFFECTS: Mapping[str, model.ResponseEffect] = {
    "kubernetes:networkpolicy": "cuts",
    "calico:networkpolicy": "cuts",
    "cilium:networkpolicy": "cuts",
    "kubernetes:terminate": "stops",
    "kubernetes:delete": "stops",
    "kubernetes:drain": "stops",
    "kubernetes:cordon": "notes",
    "kubernetes:label": "notes",
    "kubernetes:labelize": "notes",
    "kubernetes:annotation": "notes",
    "kubernetes:log": "notes",
    "kubernetes:tcpdump": "notes",
    "kubernetes:sysdig": "notes",
    "kubernetes:download": "notes",
}
_READABLE = "actionner"
_RULES = re.compile(r"^[ \t-]*(?:match|actionner):", re.MULTILINE)
"""What a text of rules has a line of, in every form."""
_OLDER = re.compile(r"[a-z]+:[a-z]+|terminate|label", re.IGNORECASE)
"""Names of actions in the older form; lists of other programs have `match` and `action`, too."""


def responses(inventory: Inventory) -> Iterator[model.Response]:
    """Every action of a rule of Talon."""
    for text in _texts(inventory):
        items = _items(text)
        actions = {_text(item, "action"): item for item in items if item.get(_READABLE)}
        for item in items:
            if item.get("match") is not None:
                yield from _of_rule(text, item, actions)


def _texts(inventory: Inventory) -> Iterator[Text]:
    for document in inventory.documents:
        if is_responses(document.value):
            yield from_document(document)
    for manifest in inventory.of("ConfigMap"):
        for key, content in strings(manifest.object.get("data")).items():
            if _RULES.search(content) and (text := from_config_map(manifest, key)):
                yield text


def _items(text: Text) -> list[Node]:
    try:
        documents = untyped.load(text.content)
    except untyped.UntypedError:
        return []
    return [
        item
        for document in documents
        if isinstance(document, Sequence)
        for item in document.items
        if isinstance(item, Node)
    ]


def _of_rule(text: Text, item: Node, actions: Mapping[str, Node]) -> Iterator[model.Response]:
    match = item.get("match")
    named = _texts_of(match.get("rules")) if isinstance(match, Node) else []
    name = _text(item, "rule") or _text(item, "name")
    idle = _text(item, "dry_run").lower() == "true"
    for step in _steps(item):
        called = _text(step, "action") or _text(step, "name")
        kind = _kind(step, actions.get(called, step))
        yield model.Response(
            ref=text.owner,
            name=name,
            action=called,
            actionner=kind,
            effect="notes" if idle else _EFFECTS.get(kind, "unknown"),
            rules=named,
            because=[text.at(step.line, f"the rule {name} of Falco Talon")],
        )


def _steps(item: Node) -> list[Node]:
    """What a rule does: its `actions`, or the one `action` of the older form."""
    one, several = item.get("action"), item.get("actions")
    if isinstance(one, Node):
        return [one] if _OLDER.fullmatch(_text(one, "name")) else []
    found = several.items if isinstance(several, Sequence) else []
    return [step for step in found if isinstance(step, Node)]


def _kind(step: Node, defined: Node) -> str:
    """The actionner of a step; in the older form its name tells it."""
    written = _text(step, _READABLE) or _text(defined, _READABLE)
    if written or step.get("action") is not None:
        return written.lower()
    name = _text(step, "name").lower()
    return name if ":" in name or not name else f"kubernetes:{name}"


def _text(node: Node, key: str) -> str:
    found = node.get(key)
    return found.text if isinstance(found, Scalar) else ""


def _texts_of(node: object) -> list[str]:
    items = node.items if isinstance(node, Sequence) else []
    return [item.text for item in items if isinstance(item, Scalar)]
