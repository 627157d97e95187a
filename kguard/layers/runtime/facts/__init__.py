# SPDX-License-Identifier: Apache-2.0
"""What is effectively so about runtime detection in this input?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import msgspec

from kguard.inventory import Inventory
from kguard.layers.runtime.absence import absent
from kguard.layers.runtime.facts.alerts import alerts
from kguard.layers.runtime.facts.artifacts import artifacts, loader
from kguard.layers.runtime.facts.delivery import Ways, unheard, ways
from kguard.layers.runtime.facts.detections import Detections, scenarios, weakest
from kguard.layers.runtime.facts.discovery import discover
from kguard.layers.runtime.facts.drops import handling, observed_drops
from kguard.layers.runtime.facts.falco import Falco
from kguard.layers.runtime.facts.judged import (
    ALL_PRIORITIES,
    Losses,
    audit_rules,
    partial_losses,
    rule_facts,
)
from kguard.layers.runtime.facts.loaded import Page, as_it_runs, compared, pages_of, unproved
from kguard.layers.runtime.facts.nodes import node_facts, reach
from kguard.layers.runtime.facts.problems import problems
from kguard.layers.runtime.facts.removed import removed
from kguard.layers.runtime.facts.responses import responses
from kguard.layers.runtime.facts.rulesets import Rules, lone_rulesets, rules_of
from kguard.layers.runtime.facts.tamper import tampering
from kguard.layers.runtime.facts.texts import line_of
from kguard.layers.runtime.facts.weakened import partly_weakened, shadowed, weakened
from kguard.layers.runtime.facts.workloads import blind_spots
from kguard.layers.runtime.semantics.definitions import PRIORITIES
from kguard.layers.runtime.semantics.loader import Selection
from kguard.layers.runtime.semantics.scenarios import Scenario
from kguard.model.facts import runtime as model
from kguard.model.facts.common import Evidence
from kguard.model.layer import Request
from kguard.model.manifests import ObjectRef

__all__ = ["compute"]


def compute(inventory: Inventory, request: Request) -> model.Facts:
    """The facts document; empty collections where the input shows no Falco."""
    falcos = discover(inventory)
    wanted = scenarios(request.settings.get("runtime", {}))
    facts = absent(inventory, request)
    used: set[str] = set()
    noticed: list[tuple[model.Detection, tuple[str, ...]]] = []
    alone = len({falco.ref for falco in falcos}) == 1
    for falco in falcos:
        pages = pages_of(inventory, falco, alone=alone)
        rules = _add_falco(facts, inventory, as_it_runs(falco, pages), pages, wanted)
        used |= {text.ref for text in rules.texts}
        chosen = _detections(rules, falco)
        noticed += [(found, falco.nodes) for found in chosen.all(wanted)]
        facts.ordinary += chosen.ordinary()
    facts.detections = list(weakest(noticed))
    lone = list(lone_rulesets(inventory, used))
    for rules in lone:
        _add_rules(facts, rules, rules.texts[0].owner, (), ALL_PRIORITIES, None, wanted)
    facts.tampering = tampering(inventory, falcos)
    facts.alerts = alerts(inventory)
    facts.responses = list(responses(inventory))
    facts.nodes = node_facts(inventory, falcos)
    facts.blind_spots = list(blind_spots(inventory)) if falcos else []
    facts.presence = "present" if falcos or lone or facts.alerts else facts.presence
    _sort(facts)
    return facts


def _detections(rules: Rules, falco: Falco) -> Detections:
    minimum = falco.settings.minimum
    return Detections(rules, falco.ref, falco.selections, minimum, falco.config_text)


def _add_falco(
    facts: model.Facts,
    inventory: Inventory,
    falco: Falco,
    pages: Sequence[Page],
    wanted: Sequence[Scenario],
) -> Rules:
    """Judge one Falco, or the part of it that some nodes run; returns its rules."""
    rules = rules_of(inventory, falco)
    loaded = list(compared(falco, rules.texts, pages))
    rules.missing += unproved(loaded)
    facts.loaded_files += loaded
    out = ways(inventory, falco, facts.scope)
    facts.installations.append(_installation(inventory, falco, rules, loaded, out))
    facts.artifacts += artifacts(inventory, falco)
    facts.drivers += loader(falco)
    facts.drops += observed_drops(falco, pages)
    facts.routes += out.routes
    facts.receivers += out.receivers
    _add_rules(facts, rules, falco.ref, falco.selections, falco.settings.minimum, falco, wanted)
    return rules


def _add_rules(
    facts: model.Facts,
    rules: Rules,
    owner: ObjectRef,
    selections: Sequence[Selection],
    minimum: int,
    falco: Falco | None,
    wanted: Sequence[Scenario],
) -> None:
    config = falco.config_text if falco else None
    facts.problems += problems(rules)
    if not rules.is_complete:
        facts.losses += partial_losses(rules)
        facts.weakened += partly_weakened(rules, owner, wanted)
        return
    order = rules.ruleset.order(selections, minimum)
    facts.weakened += weakened(rules, owner, order, wanted)
    if falco is not None and falco.settings.rule_matching == "first":
        found = rules.shadows(order)
        facts.shadows += shadowed(rules, owner, found)
        facts.installations[-1].shadows_judged = "all" if found.is_complete else "some"
    facts.rules += rule_facts(rules, owner, selections, minimum)
    facts.audit_rules += audit_rules(rules, owner, selections, minimum)
    facts.losses += Losses(rules, selections, minimum, config).all()


def _installation(
    inventory: Inventory,
    falco: Falco,
    rules: Rules,
    loaded: Sequence[model.LoadedFile],
    out: Ways,
) -> model.Installation:
    truth, delivery = out.delivered(falco)
    drops, drops_because = handling(falco, out)
    enabled = rules.ruleset.enabled(falco.selections, falco.settings.minimum)
    on = [name for name, active in enabled.items() if active]
    known = rules.is_complete
    return model.Installation(
        ref=falco.ref,
        kind=falco.kind,
        version=falco.version.text,
        version_basis=falco.version_basis,
        config=falco.config,
        outputs=[output.name for output in falco.settings.outputs if output.enabled],
        delivered=truth,
        delivery=delivery,
        rules=_state(falco, rules, on),
        base_rules=_base_rules(inventory, rules, loaded),
        loaded=len(enabled) if known else 0,
        enabled=len(on) if known else 0,
        dead=sum(rules.is_dead(name) for name in on) if known else 0,
        minimum_priority=PRIORITIES[falco.settings.minimum],
        reasons=_reasons(falco, rules),
        reach=reach(falco, inventory.of("Node")),
        removed=list(removed(falco)),
        shadows_judged="none",
        lost_state=(lost := _lost_state(falco, rules, on)),
        state_because=_syscalls_place(falco) if lost else [],
        because=[Evidence(falco.id, "", "Falco runs here")],
        unheard=unheard(out.routes, _graveness(rules, on)) if known else [],
        drops=drops,
        drops_because=drops_because,
        queue=falco.settings.queue,
        nodes=list(falco.nodes),
    )


def _graveness(rules: Rules, names: Sequence[str]) -> list[tuple[str, int]]:
    return [(name, rules.ruleset.compiled.rules[name].info.priority) for name in names]


def _base_rules(
    inventory: Inventory, rules: Rules, loaded: Sequence[model.LoadedFile]
) -> model.BaseRules:
    if not rules.is_complete:
        return "absent"
    named = {base.id for base in inventory.base_rules}
    files = {text.path.rpartition("/")[2] for text in rules.texts if text.ref in named}
    if not files:
        return "present"
    proved = {file.file for file in loaded if file.state == "same"}
    return "proved" if files <= proved else "named"


def _lost_state(falco: Falco, rules: Rules, enabled: Sequence[str]) -> list[str]:
    if falco.config == "unknown":
        return []
    named = [name for rule in enabled for name in rules.types(rule)]
    return falco.settings.syscalls.lost_state(named, rules.environment.plugins)


def _syscalls_place(falco: Falco) -> list[Evidence]:
    text = falco.config_text
    if text is None:
        return []
    return [text.at(line_of(text.content, "base_syscalls"), "leaves them out")]


def _state(falco: Falco, rules: Rules, enabled: Sequence[str]) -> model.RulesState:
    if falco.config == "unknown" or not rules.is_complete:
        return "unknown"
    if not rules.ruleset.successful:
        return "invalid"
    return "loads" if enabled else "empty"


def _reasons(falco: Falco, rules: Rules) -> list[Evidence]:
    if rules.missing:
        return rules.missing
    if rules.texts:
        return []
    note = "no rules file is in the input that this Falco reads"
    if falco.kind == "operator":
        note = "the operator reads /etc/falco/rules.d only, and no Rulesfile fills it"
    return [Evidence(falco.id, "", note)]


T = TypeVar("T")


def _distinct(found: Sequence[T]) -> list[T]:
    """Each fact once: parts of one Falco that different nodes run share most of them."""
    return list({msgspec.json.encode(one): one for one in found}.values())


def _sort(facts: model.Facts) -> None:
    facts.artifacts = _distinct(facts.artifacts)
    facts.routes = _distinct(facts.routes)
    facts.receivers = _distinct(facts.receivers)
    facts.problems = _distinct(facts.problems)
    facts.losses = _distinct(facts.losses)
    facts.ordinary = _distinct(facts.ordinary)
    facts.ordinary.sort(key=lambda found: (found.installation, found.id))
    facts.weakened = _distinct(facts.weakened)
    facts.shadows = _distinct(facts.shadows)
    facts.rules = _distinct(facts.rules)
    facts.audit_rules = _distinct(facts.audit_rules)
    facts.installations.sort(key=lambda found: (found.kind == "file", found.ref, found.nodes))
    facts.loaded_files.sort(key=lambda found: (found.installation, found.pod, found.file))
    facts.artifacts.sort(key=lambda found: (found.installation, found.reference, found.fetch))
    facts.drops.sort(key=lambda found: (found.installation, found.pod, found.what))
    facts.routes.sort(key=lambda found: (found.installation, found.output, found.destination))
    facts.receivers.sort(key=lambda found: (found.installation, found.workload))
    facts.problems.sort(key=lambda p: (p.ref, p.file, p.level, p.item, p.code, p.message))
    facts.losses.sort(key=lambda loss: (loss.ref, loss.effect, loss.cause, loss.name))
    facts.weakened.sort(key=lambda one: (one.ref, one.file, one.line, one.effect, one.breadth))
    facts.shadows.sort(key=lambda one: (one.installation, one.rule))
    facts.rules.sort(key=lambda rule: (rule.installation, rule.name))
    facts.audit_rules.sort(key=lambda rule: (rule.installation, rule.name))
    facts.nodes.sort(key=lambda node: node.ref)
    facts.tampering.sort(key=lambda found: (found.installation, found.ref, found.subject))
    facts.blind_spots.sort(key=lambda spot: spot.ref)
    facts.responses.sort(key=lambda one: (one.ref, one.name, one.action))
    facts.detections.sort(key=lambda found: (found.installation, len(found.id), found.id))
