# SPDX-License-Identifier: Apache-2.0
"""NetworkPolicy evaluated one connection at a time, as the API text reads: slow and plain.

Three-valued in the simplest way: every unknown label is tried both ways by answering True, False or
None (may be), combined by the laws of three-valued logic.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from kguard.inventory import Selector
from kguard.layers.network.semantics.endpoints import NAME_LABEL, Endpoint, NamespaceLabels
from kguard.layers.network.semantics.policy import Direction, Peer, PodPolicy, PortTerm
from tests.properties.network.clusters import Cluster

Verdict = bool | None
Side = Endpoint | str
"""A pod, or an address."""


def _and(values: Iterable[Verdict]) -> Verdict:
    found: Verdict = True
    for value in values:
        if value is False:
            return False
        found = found if value else None
    return found


def _or(values: Iterable[Verdict]) -> Verdict:
    found: Verdict = False
    for value in values:
        if value is True:
            return True
        found = None if value is None else found
    return found


def allowed(world: Cluster, source: Side, target: Side, protocol: str, port: int) -> Verdict:
    """Whether a connection is possible."""
    out = (
        True if isinstance(source, str) else _side(world, "egress", source, target, protocol, port)
    )
    into = (
        True if isinstance(target, str) else _side(world, "ingress", target, source, protocol, port)
    )
    return _and((out, into))


def _side(
    world: Cluster, direction: Direction, pod: Endpoint, other: Side, protocol: str, port: int
) -> Verdict:
    verdicts = []
    for policy in world.policies:
        if direction not in policy.directions or policy.namespace != pod.namespace:
            continue
        chosen = _pods(policy.selector, pod)
        if chosen and pod.host_network:
            chosen = None
        if chosen is not False:
            verdicts.append((chosen, _admits(world, policy, direction, pod, other, protocol, port)))
    if not verdicts:
        return True
    if not any(chosen for chosen, _ in verdicts):
        return None
    return _or(_and((chosen, admits)) for chosen, admits in verdicts)


def _admits(
    world: Cluster,
    policy: PodPolicy,
    direction: Direction,
    pod: Endpoint,
    other: Side,
    protocol: str,
    port: int,
) -> Verdict:
    target = pod if direction == "ingress" else other
    return _or(
        _and(
            (
                _or(_is(world, p, policy, other) for p in rule.peers) if rule.peers else True,
                _or(_speaks(t, target, protocol, port) for t in rule.ports) if rule.ports else True,
            )
        )
        for rule in policy.rules(direction)
    )


def _speaks(term: PortTerm, target: Side, protocol: str, port: int) -> bool:
    if term.protocol != protocol:
        return False
    if not term.name:
        return term.low <= port <= term.high
    return isinstance(target, Endpoint) and any(
        (p.name, p.protocol, p.number) == (term.name, protocol, port) for p in target.ports
    )


def _is(world: Cluster, peer: Peer, policy: PodPolicy, other: Side) -> Verdict:
    if peer.block is not None:
        return _in_block(peer, other)
    if isinstance(other, str):
        return False
    if peer.namespaces is None:
        place: Verdict = other.namespace == policy.namespace
    else:
        place = _namespace(peer.namespaces, world.namespaces[other.namespace])
    pods = _pods(peer.pods, other) if peer.pods is not None else True
    found = _and((place, pods))
    return None if found and other.host_network else found


def _in_block(peer: Peer, other: Side) -> Verdict:
    assert peer.block is not None
    if isinstance(other, str):
        return _contains(peer.block.cidr, peer.block.excepted, other)
    if other.addresses:
        inside = any(_contains(peer.block.cidr, peer.block.excepted, a) for a in other.addresses)
        return None if inside else False
    private = ("10.200.0.1", "172.16.0.1", "192.168.0.1", "100.64.0.1", "fd00::1", "10.1.200.1")
    near = any(_contains(peer.block.cidr, peer.block.excepted, a) for a in private)
    return None if near else False


def _contains(cidr: str, excepted: Iterable[str], address: str) -> bool:
    found = ipaddress.ip_address(address)
    holes = any(found in ipaddress.ip_network(hole) for hole in excepted)
    return found in ipaddress.ip_network(cidr) and not holes


def _pods(selector: Selector, pod: Endpoint) -> Verdict:
    return _and(
        entry.matches(pod.labels) if pod.labels_known or entry.key in pod.labels else None
        for entry in selector.requirements
    )


def _namespace(selector: Selector, namespace: NamespaceLabels) -> Verdict:
    return _and(
        entry.matches(namespace.labels) if namespace.known or entry.key == NAME_LABEL else None
        for entry in selector.requirements
    )
