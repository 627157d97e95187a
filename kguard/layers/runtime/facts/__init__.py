# SPDX-License-Identifier: Apache-2.0
"""What is effectively so about runtime detection in this input?"""

from __future__ import annotations

from collections.abc import Sequence

from kguard.inventory import Inventory
from kguard.layers.runtime.absence import absent
from kguard.layers.runtime.facts.alerts import alerts
from kguard.layers.runtime.facts.delivery import delivered
from kguard.layers.runtime.facts.detections import detections
from kguard.layers.runtime.facts.discovery import discover
from kguard.layers.runtime.facts.falco import Falco
from kguard.layers.runtime.facts.judged import (
    ALL_PRIORITIES,
    Losses,
    audit_rules,
    partial_losses,
    problems,
    rule_facts,
)
from kguard.layers.runtime.facts.nodes import node_facts, reach
from kguard.layers.runtime.facts.receivers import receivers
from kguard.layers.runtime.facts.removed import removed
from kguard.layers.runtime.facts.rulesets import Rules, lone_rulesets, rules_of
from kguard.layers.runtime.facts.workloads import blind_spots
from kguard.layers.runtime.semantics.definitions import PRIORITIES
from kguard.layers.runtime.semantics.loader import Selection
from kguard.layers.runtime.semantics.placement import node_of
from kguard.model.facts import runtime as model
from kguard.model.facts.common import Evidence
from kguard.model.layer import Request
from kguard.model.manifests import ObjectRef

__all__ = ["compute"]


def compute(inventory: Inventory, request: Request) -> model.Facts:
    """The facts document; empty collections where the input shows no Falco."""
    falcos = discover(inventory)
    facts = absent(inventory, request)
    used: set[str] = set()
    for falco in falcos:
        rules = rules_of(inventory, falco)
        used |= {text.ref for text in rules.texts}
        facts.installations.append(_installation(inventory, falco, rules))
        facts.receivers += receivers(inventory, falco)
        _add_rules(facts, rules, falco.ref, falco.selections, falco.settings.minimum, falco)
    alone = list(lone_rulesets(inventory, used))
    for rules in alone:
        _add_rules(facts, rules, rules.texts[0].owner, (), ALL_PRIORITIES, None)
    facts.alerts = alerts(inventory)
    facts.nodes = node_facts(inventory, falcos)
    facts.blind_spots = list(blind_spots(inventory)) if falcos else []
    facts.presence = "present" if falcos or alone or facts.alerts else facts.presence
    _sort(facts)
    return facts


def _add_rules(
    facts: model.Facts,
    rules: Rules,
    owner: ObjectRef,
    selections: Sequence[Selection],
    minimum: int,
    falco: Falco | None,
) -> None:
    facts.problems += problems(rules)
    if falco is not None:
        facts.detections += detections(rules, owner, selections, minimum)
    if not rules.is_complete:
        facts.losses += partial_losses(rules)
        return
    facts.rules += rule_facts(rules, owner, selections, minimum)
    facts.audit_rules += audit_rules(rules, owner, selections, minimum)
    facts.losses += Losses(rules, selections, minimum, falco.config_text if falco else None).all()


def _installation(inventory: Inventory, falco: Falco, rules: Rules) -> model.Installation:
    truth, delivery = delivered(inventory, falco)
    enabled = rules.ruleset.enabled(falco.selections, falco.settings.minimum)
    on = [name for name, active in enabled.items() if active]
    known = rules.is_complete
    nodes = [node_of(manifest.object) for manifest in inventory.of("Node")]
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
        base_rules="present" if known else "absent",
        loaded=len(enabled) if known else 0,
        enabled=len(on) if known else 0,
        dead=sum(rules.is_dead(name) for name in on) if known else 0,
        minimum_priority=PRIORITIES[falco.settings.minimum],
        reasons=_reasons(falco, rules),
        reach=reach(falco, nodes),
        removed=list(removed(falco)),
        because=[Evidence(falco.id, "", "Falco runs here")],
    )


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


def _sort(facts: model.Facts) -> None:
    facts.receivers.sort(key=lambda found: (found.installation, found.workload))
    facts.problems.sort(key=lambda p: (p.ref, p.file, p.level, p.item, p.code, p.message))
    facts.losses.sort(key=lambda loss: (loss.ref, loss.effect, loss.cause, loss.name))
    facts.rules.sort(key=lambda rule: (rule.installation, rule.name))
    facts.audit_rules.sort(key=lambda rule: (rule.installation, rule.name))
    facts.nodes.sort(key=lambda node: node.ref)
    facts.blind_spots.sort(key=lambda spot: spot.ref)
    facts.detections.sort(key=lambda found: (found.installation, len(found.id), found.id))
