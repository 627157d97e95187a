# SPDX-License-Identifier: Apache-2.0
"""What does a whole file look like with everything put right that the facts complain of?

Several remedies may ask for a change of one file; each proposes this same text.
"""

from __future__ import annotations

from kguard.inventory import Inventory
from kguard.layers.runtime.facts.delivery import receiver, ways
from kguard.layers.runtime.facts.drops import handling
from kguard.layers.runtime.facts.falco import Falco
from kguard.layers.runtime.facts.removed import DRIVERS, removed
from kguard.layers.runtime.facts.texts import Text
from kguard.layers.runtime.remedy.editing import set_value, without_items, without_step
from kguard.layers.runtime.remedy.losses import losses_of
from kguard.layers.runtime.remedy.places import Setup
from kguard.layers.runtime.semantics import settings as falco_yaml
from kguard.layers.runtime.semantics.definitions import PRIORITIES
from kguard.model.facts import runtime as model


def offending_lines(setup: Setup, text: Text, weakening: frozenset[int]) -> list[int]:
    """The lines of a rules file where items start that silence, disable or weaken rules."""
    found = set(weakening)
    for loss in losses_of(setup):
        if loss.effect in ("dead", "disabled") and loss.file == text.name:
            found.add(loss.line)
    return sorted(found)


def repaired_rules(setup: Setup, text: Text, weakening: frozenset[int]) -> str:
    """A rules file without the items that silence or disable rules, and those at these lines.

    Raises:
        NotEditableError: an item cannot be taken out line by line.
    """
    lines = offending_lines(setup, text, weakening)
    return without_items(text.content, lines) if lines else text.content


def repaired_config(inventory: Inventory, setup: Setup) -> str:
    """A falco.yaml with removed features off, alerts sent, and no rule hidden or deselected.

    Raises:
        NotEditableError: a place cannot be changed line by line.
    """
    falco = setup.falco
    if falco is None or falco.config_text is None:
        return ""
    content = falco.config_text.content
    for use in removed(falco):
        elsewhere = falco.kind == "values" and use.feature in DRIVERS
        if use.state == "removed" and not elsewhere:
            content = _without_feature(content, use.feature)
    url = receiver(inventory, falco)
    if url and ways(inventory, falco, setup.scope).delivered(falco)[0] == "false":
        content = set_value(content, ("json_output",), "true")
        content = set_value(content, ("http_output", "enabled"), "true")
        content = set_value(content, ("http_output", "url"), url)
    if drops_unwritten(inventory, setup):
        content = set_value(content, ("syscall_event_drops", "actions"), "[log, alert]")
    return _with_rules(content, setup)


def drops_unwritten(inventory: Inventory, setup: Setup) -> bool:
    """Whether nothing is written about dropped events, so that nobody learns of them."""
    falco = setup.falco
    if falco is None or falco.settings.drop_actions:
        return False
    return handling(falco, ways(inventory, falco, setup.scope))[0] == "ignored"


def _without_feature(content: str, feature: model.Feature) -> str:
    match feature:
        case "grpc_output":
            return set_value(content, ("grpc_output", "enabled"), "false")
        case "grpc_server":
            return set_value(content, ("grpc", "enabled"), "false")
        case _:
            return set_value(content, ("engine", "kind"), "modern_ebpf")


def _with_rules(content: str, setup: Setup) -> str:
    falco = setup.falco
    if falco is None:
        return content
    losses = losses_of(setup)
    if any(loss.effect == "hidden" for loss in losses):
        rules = setup.rules.ruleset.compiled.rules.values()
        least = max(rule.info.priority for rule in rules)
        content = set_value(content, ("priority",), PRIORITIES[least].lower())
    patterns = {loss.name for loss in losses if loss.cause == "selection"}
    written = falco.settings.selections
    for number in range(len(written) - 1, -1, -1):
        if written[number].action == "disable" and written[number].pattern in patterns:
            content = without_step(content, ("rules",), number)
    if any(loss.cause == "syscalls" for loss in losses):
        content = _with_syscalls(content)
    if _lost_state(setup, falco):
        content = set_value(content, ("base_syscalls", "repair"), "true")
    return content


def _lost_state(setup: Setup, falco: Falco) -> list[str]:
    rules = setup.rules
    named = [call for name in rules.ruleset.order() for call in rules.types(name)]
    return falco.settings.syscalls.lost_state(named, rules.environment.plugins)


def _with_syscalls(content: str) -> str:
    """The configuration without the system calls that are taken out."""
    written = falco_yaml.custom_set(content)
    for number in range(len(written) - 1, -1, -1):
        if written[number].startswith("!"):
            content = without_step(content, ("base_syscalls", "custom_set"), number)
    return content
