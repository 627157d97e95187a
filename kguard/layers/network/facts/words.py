# SPDX-License-Identifier: Apache-2.0
"""How are rules and peers said in words, the same for the same meaning?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kguard.inventory import Selector
from kguard.inventory.selectors import Requirement
from kguard.layers.network.semantics.endpoints import NAME_LABEL
from kguard.layers.network.semantics.policy import Peer, PortTerm, Rule
from kguard.model.facts.network import Verdict


def rule_words(rule: Rule, namespace: str) -> list[str]:
    """One sentence for each peer of a rule."""
    ports = ", ".join(sorted({term_words(term) for term in rule.ports})) or "every port"
    if not rule.peers:
        return [f"everyone at {ports}"]
    return [f"{peer_words(peer, namespace)} at {ports}" for peer in rule.peers]


def peer_words(peer: Peer, namespace: str) -> str:
    """A peer of a rule of a policy in a namespace."""
    if peer.entity is not None:
        return peer.words or "everyone"
    if peer.block is not None:
        holes = f" except {', '.join(peer.block.excepted)}" if peer.block.excepted else ""
        return f"addresses {peer.block.cidr}{holes}"
    pods = selector_words(peer.pods) if peer.pods is not None else ""
    who = f"pods with {pods}" if pods else "every pod"
    if peer.namespaces is None:
        return f"{who} of namespace {namespace}"
    names = _named(peer.namespaces)
    if names:
        return f"{who} of namespace {' or '.join(names)}"
    spaces = selector_words(peer.namespaces)
    return f"{who} of namespaces with {spaces}" if spaces else f"{who} of every namespace"


def plugin_words(plugins: Mapping[Verdict, Sequence[str]]) -> str:
    """Which plugins answer what; empty where none of them answers."""
    words = {"unknown": "not known"}
    if set(plugins) <= {"unknown"}:
        return ""
    return "; ".join(
        f"{words.get(verdict, verdict)} under {', '.join(names)}"
        for verdict, names in sorted(plugins.items())
    )


def term_words(term: PortTerm) -> str:
    """Ports of a rule."""
    if term.name:
        return f"{term.protocol} {term.name}"
    if (term.low, term.high) == (1, 65535):
        return f"every {term.protocol} port"
    ports = str(term.low) if term.low == term.high else f"{term.low}-{term.high}"
    return f"{term.protocol} {ports}"


def selector_words(selector: Selector) -> str:
    """The conditions of a selector; empty for one that selects everything."""
    return " and ".join(_condition(entry) for entry in selector.requirements)


def _named(selector: Selector) -> tuple[str, ...]:
    match selector.requirements:
        case (Requirement(key=key, operator="In", values=values),) if key == NAME_LABEL:
            return values
        case _:
            return ()


def _condition(entry: Requirement) -> str:
    values = " or ".join(entry.values)
    match entry.operator:
        case "In":
            return f"{entry.key}={values}"
        case "NotIn":
            return f"{entry.key}!={values}"
        case "Exists":
            return f"label {entry.key}"
        case _:
            return f"no label {entry.key}"


def looked_at(count: int) -> str:
    """How many policies were looked at in vain."""
    return f" ({count} looked at)" if count else " (it has none)"
