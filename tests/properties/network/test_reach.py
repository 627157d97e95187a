# SPDX-License-Identifier: Apache-2.0
"""Does the evaluation on classes and bits say what the plain one says, connection by connection?"""

from __future__ import annotations

from random import Random

import msgspec
import pytest

from kguard.layers.network.semantics.addresses import address
from kguard.layers.network.semantics.profiles import GENERIC
from kguard.layers.network.semantics.reach import Ports, Reachability
from tests.properties.network.clusters import Cluster, cluster
from tests.properties.network.naive import Verdict, allowed

SEEDS = 4000
PORTS = [(p, n) for p in ("SCTP", "TCP", "UDP") for n in (1, 53, 80, 443, 444, 8080, 8081, 65535)]
ADDRESSES = ("1.1.1.1", "10.0.0.1", "10.1.0.1", "10.1.2.1", "192.168.1.1", "203.0.113.7", "fd00::1")


def _evaluate(world: Cluster) -> Reachability:
    return Reachability(world.endpoints, world.policies, world.namespaces, GENERIC)


def _verdict(reach: Reachability, ports: Ports, protocol: str, port: int) -> Verdict:
    atom = reach.ports.of_port(protocol, port)
    if ports.must & atom:
        return True
    return None if ports.may & atom else False


def _atom(reach: Reachability, direction: str, text: str) -> int:
    found = address(text)
    assert found is not None
    atoms = reach.addresses["ingress" if direction == "ingress" else "egress"]
    return atoms.of_range(found).bit_length() - 1


@pytest.mark.parametrize("start", range(0, SEEDS, 500))
def test_says_what_the_plain_evaluation_says(start: int) -> None:
    for seed in range(start, start + 500):
        world, rng = cluster(seed), Random(seed)
        reach = _evaluate(world)
        for protocol, port in rng.sample(PORTS, 4):
            for source, pod in enumerate(world.endpoints):
                for target, other in enumerate(world.endpoints):
                    ours = _verdict(reach, reach.connection(source, target), protocol, port)
                    assert ours is allowed(world, pod, other, protocol, port), seed
                text = rng.choice(ADDRESSES)
                ours = _verdict(
                    reach,
                    reach.to_address(source, _atom(reach, "egress", text)),
                    protocol,
                    port,
                )
                assert ours is allowed(world, pod, text, protocol, port), seed
                ours = _verdict(
                    reach,
                    reach.from_address(_atom(reach, "ingress", text), source),
                    protocol,
                    port,
                )
                assert ours is allowed(world, text, pod, protocol, port), seed


def _answers(reach: Reachability) -> list[tuple[str, str]]:
    size = range(len(reach.endpoints))
    pairs = [reach.connection(a, b) for a in size for b in size]
    return [(reach.ports.text(p.must), reach.ports.text(p.may)) for p in pairs]


def test_the_order_of_policies_does_not_matter() -> None:
    for seed in range(300):
        world = cluster(seed)
        turned = msgspec.structs.replace(world, policies=world.policies[::-1])
        assert _answers(_evaluate(world)) == _answers(_evaluate(turned)), seed


def test_a_further_policy_opens_nothing_to_pods_that_were_open() -> None:
    """What a policy adds for a pod that none selected can only close."""
    for seed in range(300):
        world = cluster(seed)
        if not world.policies:
            continue
        fewer = _evaluate(msgspec.structs.replace(world, policies=world.policies[:-1]))
        more = _evaluate(world)
        for target in range(len(world.endpoints)):
            if fewer.row_of("ingress", target).isolated:
                continue
            for source in range(len(world.endpoints)):
                if (
                    fewer.row_of("egress", source).policies
                    == more.row_of("egress", source).policies
                ):
                    after = more.connection(source, target).must
                    spans = more.ports.spans(after & ~fewer_ports(fewer, more, source, target))
                    assert spans == [], seed


def fewer_ports(fewer: Reachability, more: Reachability, source: int, target: int) -> int:
    """The earlier answer in the atoms of the later one, which cuts ports at least as finely."""
    found = 0
    for span in fewer.ports.spans(fewer.connection(source, target).may):
        found |= more.ports.of_span(span)
    return found
