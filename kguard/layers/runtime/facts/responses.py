# SPDX-License-Identifier: Apache-2.0
"""What does Falco Talon do by itself when an alert comes, and does it cut anybody off?

Authority: falcosecurity/falco-talon internal/rules/rules.go and its actionners (0.3): a rules file
has `action` items with an `actionner`, and `rule` items that match alerts and name actions.
"""

from __future__ import annotations

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
            if _READABLE in content and (text := from_config_map(manifest, key)):
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
    steps = item.get("actions")
    for step in steps.items if isinstance(steps, Sequence) else []:
        if not isinstance(step, Node):
            continue
        defined = actions.get(_text(step, "action"), step)
        kind = _text(step, _READABLE) or _text(defined, _READABLE)
        yield model.Response(
            ref=text.owner,
            name=_text(item, "rule"),
            action=_text(step, "action"),
            actionner=kind,
            effect=_EFFECTS.get(kind, "unknown"),
            rules=named,
            because=[text.at(step.line, f"the rule {_text(item, 'rule')} of Falco Talon")],
        )


def _text(node: Node, key: str) -> str:
    found = node.get(key)
    return found.text if isinstance(found, Scalar) else ""


def _texts_of(node: object) -> list[str]:
    items = node.items if isinstance(node, Sequence) else []
    return [item.text for item in items if isinstance(item, Scalar)]
