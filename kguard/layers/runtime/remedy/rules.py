# SPDX-License-Identifier: Apache-2.0
"""How are rules brought back into force?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kguard.inventory import Inventory
from kguard.layers.runtime.facts.texts import Text
from kguard.layers.runtime.remedy.editing import NotEditableError
from kguard.layers.runtime.remedy.narrowing import Narrowing, narrowing
from kguard.layers.runtime.remedy.places import Setup, setups, whole
from kguard.layers.runtime.remedy.repair import offending_lines, repaired_config, repaired_rules
from kguard.model.facts.runtime import Breadth, Facts, Weakening
from kguard.model.findings import Finding
from kguard.model.manifests import PlainDocument
from kguard.model.remedies import (
    Cannot,
    Edit,
    Operation,
    Proposal,
    RemedyRequest,
)
from kguard.sources.yaml.splice import splice

_TAKE_OUT = "take out the item that silences rules"
_NARROW = "leave out what silences or weakens rules, keep the rest of the item"
_WEAKENED = "runtime/rule-weakened"
_STATE = "runtime/process-state-incomplete"


def restore_rules(request: RemedyRequest) -> Iterator[Proposal]:
    """Take out the overrides and selections that keep rules from firing, or from seeing much."""
    for setup in setups(request):
        texts = {text.ref: text for text in setup.rules.texts}
        for text in texts.values():
            findings = _about(request.findings, text)
            if findings:
                yield from _restored(request, setup, text, findings)
        config = setup.falco.config_text if setup.falco else None
        findings = _about(request.findings, config) if config and config.ref not in texts else []
        findings += [f for f in request.findings if f.policy == _STATE and f.target == setup.owner]
        if config and findings:
            yield from _reselected(request.inventory, setup, config, findings)


def _about(findings: Iterable[Finding], text: Text) -> list[Finding]:
    return [finding for finding in findings if finding.target == text.owner]


def _restored(
    request: RemedyRequest, setup: Setup, text: Text, findings: list[Finding]
) -> Iterator[Proposal]:
    closes = tuple(finding.fingerprint for finding in findings)
    for other in (other for other in setup.rules.texts if other.ref == text.ref):
        lines = _weakening(request, other)
        found = narrowing(setup, other, offending_lines(setup, other, lines), _tolerated(request))
        if found is not None:
            yield from _narrowed(request.inventory, other, found, closes)
            continue
        if other.structured:
            yield from _without_items(setup, other, lines, closes)
            continue
        try:
            content = repaired_rules(setup, other, lines)
        except NotEditableError as error:
            yield _by_hand(closes, other, error)
            continue
        if content != other.content:
            edit = whole(request.inventory, other, content, closes, f"{_TAKE_OUT} ({other.name})")
            if edit is not None:
                yield edit


def _weakening(request: RemedyRequest, text: Text) -> frozenset[int]:
    """The lines of the changes that open findings say take much of a rule away."""
    facts: Facts = request.facts
    paths = {f.path for f in request.open if f.policy == _WEAKENED and f.target == text.owner}
    return frozenset(
        one.line
        for one in facts.weakened
        if one.ref == text.owner and one.file == text.name and _path(one) in paths
    )


def _tolerated(request: RemedyRequest) -> set[Breadth]:
    """How wide gaps may be: one program or image, and what the policy lets pass."""
    facts: Facts = request.facts
    paths = {finding.path for finding in request.open if finding.policy == _WEAKENED}
    passed = {one.breadth for one in facts.weakened if _path(one) not in paths}
    return {"specific", *passed} - {"unknown"}


def _path(one: Weakening) -> str:
    return f"{one.cause}/{one.name}/{one.effect}/{one.breadth}"


def _narrowed(
    inventory: Inventory, text: Text, found: Narrowing, closes: tuple[str, ...]
) -> Iterator[Proposal]:
    why = f"{_NARROW} ({text.name})"
    inside = isinstance(inventory.by_id(text.ref), PlainDocument) and not text.pointer
    if text.structured or inside:
        placed = (Operation(o.op, text.pointer + o.pointer, o.value) for o in found.operations)
        yield Edit(text.ref, tuple(placed), closes, why)
        return
    edit = whole(inventory, text, splice(text.content, found.operations), closes, why)
    if edit is not None:
        yield edit


def _without_items(
    setup: Setup, text: Text, lines: frozenset[int], closes: tuple[str, ...]
) -> Iterator[Proposal]:
    """The items of a list inside an object, from the end so that numbers stay right."""
    offending = offending_lines(setup, text, lines)
    numbers = sorted({text.item(line) for line in offending}, reverse=True)
    operations = tuple(Operation("remove", f"{text.pointer}/{n}") for n in numbers)
    if operations:
        yield Edit(text.ref, operations, closes, f"{_TAKE_OUT} ({text.name})")


def _by_hand(closes: tuple[str, ...], text: Text, error: NotEditableError) -> Cannot:
    return Cannot(closes, f"{text.name} cannot be edited line by line: {error}", _TAKE_OUT)


def _reselected(
    inventory: Inventory, setup: Setup, config: Text, findings: list[Finding]
) -> Iterator[Proposal]:
    yield from change_config(inventory, setup, config, findings, "select all rules again")


def change_config(
    inventory: Inventory, setup: Setup, config: Text, findings: list[Finding], why: str
) -> Iterator[Proposal]:
    """The configuration with everything that is wrong in it put right."""
    closes = tuple(finding.fingerprint for finding in findings)
    try:
        content = repaired_config(inventory, setup)
    except NotEditableError as error:
        yield Cannot(closes, f"{config.name} cannot be edited line by line: {error}", why)
        return
    edit = whole(inventory, config, content, closes, why) if content != config.content else None
    if edit is not None:
        yield edit


def lower_priority(request: RemedyRequest) -> Iterator[Proposal]:
    """Report the priorities of all rules that are loaded."""
    for setup in setups(request):
        config = setup.falco.config_text if setup.falco else None
        findings = _about(request.findings, config) if config else []
        if config and findings:
            why = "report the least urgent priority that a rule has"
            yield from change_config(request.inventory, setup, config, findings, why)
