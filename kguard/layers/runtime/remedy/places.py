# SPDX-License-Identifier: Apache-2.0
"""Which texts does the input hold, and how is a new text put in place of an old one?"""

from __future__ import annotations

import json
from collections.abc import Iterator

import msgspec

from kguard.inventory import Inventory
from kguard.layers.runtime.facts.discovery import discover
from kguard.layers.runtime.facts.falco import Falco
from kguard.layers.runtime.facts.rulesets import Rules, lone_rulesets, rules_of
from kguard.layers.runtime.facts.texts import Text
from kguard.model.facts.common import Scope
from kguard.model.manifests import Manifest, ObjectRef, PlainDocument, mapping
from kguard.model.remedies import Edit, Operation, RemedyRequest
from kguard.sources.yaml import untyped
from kguard.sources.yaml.untyped import Mapping, Node, Scalar

OWN_PRIORITY = 90
"""Of what is added for the operator; objects of users are at 50 unless they say otherwise."""


class Setup(msgspec.Struct):
    """One Falco with its rules, as the facts were made of it; without Falco, rules alone."""

    falco: Falco | None
    rules: Rules
    owner: ObjectRef
    scope: Scope


def setups(request: RemedyRequest) -> Iterator[Setup]:
    """Every Falco and every lone ruleset."""
    inventory, scope = request.inventory, request.facts.scope
    used: set[str] = set()
    for falco in discover(inventory):
        rules = rules_of(inventory, falco)
        used |= {text.ref for text in rules.texts}
        yield Setup(falco, rules, falco.ref, scope)
    for rules in lone_rulesets(inventory, used):
        yield Setup(None, rules, rules.texts[0].owner, scope)


def whole(
    inventory: Inventory, text: Text, content: str, closes: tuple[str, ...], why: str
) -> Edit | None:
    """The edit that puts a new content in place of a text; None where there is no way."""
    holder = inventory.by_id(text.ref)
    if isinstance(holder, Manifest) or (isinstance(holder, PlainDocument) and text.pointer):
        if text.pointer.startswith(("/data/", "/customRules/")):
            gone = not untyped.load(content)
            operation = Operation("remove" if gone else "replace", text.pointer, content)
            return Edit(text.ref, (operation,), closes, why)
        return Edit(text.ref, (Operation("replace", text.pointer, content),), closes, why)
    if isinstance(holder, PlainDocument):
        old = mapping(holder.value).get(text.section.lstrip("/")) if text.section else holder.value
        operations = tuple(_differences(old, _first(content, old), text.section))
        return Edit(text.ref, operations, closes, why) if operations else None
    return None


def _first(content: str, old: object) -> object:
    """The first document; of nothing, what is empty as the old one was: Falco refuses others."""
    documents = untyped.load(content)
    if documents:
        return plain(documents[0])
    return [] if isinstance(old, list) else {}


def plain(node: Node) -> object:
    """A node as plain values, typed as JSON and YAML 1.2 agree on them."""
    if isinstance(node, Mapping):
        return {key.text: plain(value) for key, value in node.entries if isinstance(key, Scalar)}
    if isinstance(node, Scalar):
        return _scalar(node)
    return [plain(item) for item in node.items]


def _scalar(node: Scalar) -> object:
    if node.is_null:
        return None
    if not node.plain:
        return node.text
    try:
        value = json.loads(node.text)
    except ValueError:
        return node.text
    return value if isinstance(value, bool | int | float) else node.text


def _differences(old: object, new: object, place: str) -> Iterator[Operation]:
    """The operations that turn one document into another; sequences lose items from the end."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in new:
            inside = f"{place}/{str(key).replace('~', '~0').replace('/', '~1')}"
            if key not in old:
                yield Operation("add", inside, new[key])
            else:
                yield from _differences(old[key], new[key], inside)
        return
    if isinstance(old, list) and isinstance(new, list) and len(new) < len(old):
        kept = 0
        gone = []
        for number, item in enumerate(old):
            if kept < len(new) and str(item) == str(new[kept]):
                kept += 1
            else:
                gone.append(number)
        yield from (Operation("remove", f"{place}/{number}") for number in reversed(gone))
        return
    if str(old) != str(new):
        yield Operation("replace", place, new)
