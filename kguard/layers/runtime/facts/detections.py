# SPDX-License-Identifier: Apache-2.0
"""Which attacks would the rules of one Falco notice?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from kguard.layers.runtime.facts.rulesets import Rules
from kguard.layers.runtime.semantics.definitions import PRIORITIES
from kguard.layers.runtime.semantics.evaluation import holds
from kguard.layers.runtime.semantics.loader import Selection
from kguard.layers.runtime.semantics.losses import silence
from kguard.layers.runtime.semantics.scenarios import SCENARIOS, Scenario
from kguard.model.facts import runtime as model
from kguard.model.manifests import ObjectRef


def detections(
    rules: Rules, owner: ObjectRef, selections: Sequence[Selection], minimum: int
) -> Iterator[model.Detection]:
    """Each scenario with the rule that fires first, if one does."""
    for scenario in SCENARIOS:
        if not rules.is_complete:
            yield model.Detection(owner, scenario.id, scenario.title, "unknown", "", "")
        elif rules.ruleset.successful:
            yield _detection(rules, owner, selections, minimum, scenario)


def _detection(
    rules: Rules,
    owner: ObjectRef,
    selections: Sequence[Selection],
    minimum: int,
    scenario: Scenario,
) -> model.Detection:
    hidden = ""
    unsure = ""
    for name, rule in rules.ruleset.compiled.rules.items():
        if rule.info.source != "syscall" or scenario.event.get("evt.type") in rules.unheard:
            continue
        answer = holds(rule.condition, scenario.event)
        quiet = silence(rule, selections, minimum)
        if answer and quiet is None:
            priority = PRIORITIES[rule.info.priority]
            return model.Detection(owner, scenario.id, scenario.title, "fires", name, priority)
        if answer and quiet is not None and quiet.by != "definition":
            hidden = hidden or name
        if answer is None and quiet is None:
            unsure = unsure or name
    state: model.DetectionState = "hidden" if hidden else "unknown" if unsure else "silent"
    return model.Detection(owner, scenario.id, scenario.title, state, hidden or unsure, "")


_ORDER: tuple[model.DetectionState, ...] = ("silent", "hidden", "unknown", "fires")
"""The weakest first."""


def weakest(
    found: Iterable[tuple[model.Detection, tuple[str, ...]]],
) -> Iterator[model.Detection]:
    """Each detection of an installation as it is on the nodes where it is weakest.

    Args:
        found: detections, each with the nodes that it is about; no nodes stand for all.
    """
    groups: dict[tuple[ObjectRef, str], list[tuple[model.Detection, tuple[str, ...]]]] = {}
    for one, nodes in found:
        groups.setdefault((one.installation, one.id), []).append((one, nodes))
    for group in groups.values():
        worst = min((one for one, _ in group), key=lambda one: _ORDER.index(one.state))
        alike = [nodes for one, nodes in group if one.state == worst.state]
        if len(alike) < len(group):
            worst.nodes = sorted(name for nodes in alike for name in nodes)
        yield worst
