# SPDX-License-Identifier: Apache-2.0
"""What is left of a NetworkPolicy under a plugin that does not know all ports of the API?

Authority: kubernetes.io/docs "Targeting a range of ports" (without support for `endPort` a policy
is applied to the first port alone) and "SCTP support"; networking/v1 types.go (a rule for SCTP
alone isolates all the same).
"""

from __future__ import annotations

from msgspec.structs import replace

from kguard.layers.network.semantics.policy import DIRECTIONS, PodPolicy, PortTerm, Rule
from kguard.layers.network.semantics.ports import MAX_PORT
from kguard.layers.network.semantics.profiles import Profile


def as_read(policy: PodPolicy, profile: Profile) -> PodPolicy:
    """A NetworkPolicy as a plugin reads its ports."""
    found = {d: _rules(policy.written(d), profile) for d in DIRECTIONS}
    if all(found[d] == policy.written(d) for d in DIRECTIONS):
        return policy
    return replace(policy, ingress=found["ingress"], egress=found["egress"])


def _rules(rules: tuple[Rule, ...], profile: Profile) -> tuple[Rule, ...]:
    """The rules that can match; what has lost all its ports matches nothing."""
    found = []
    for rule in rules:
        ports = tuple(_term(t, profile) for t in rule.ports if _is_known(t, profile))
        if ports or not rule.ports:
            found.append(rule if ports == rule.ports else replace(rule, ports=ports))
    return tuple(found)


def _is_known(term: PortTerm, profile: Profile) -> bool:
    return term.protocol != "SCTP" or profile.sctp != "no"


def _term(term: PortTerm, profile: Profile) -> PortTerm:
    if term.protocol == "SCTP" and profile.sctp == "maybe":
        return replace(term, certain_to=0)
    written = term.low < term.high and (term.low, term.high) != (1, MAX_PORT)
    if written and not term.name and profile.end_ports == "maybe":
        return replace(term, certain_to=term.low)
    return term
