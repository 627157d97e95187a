# SPDX-License-Identifier: Apache-2.0
"""Does the evaluation say what the plain one says, for every kind of policy together?

Everything is known in these clusters, so that every answer has to be certain. How many clusters
of each flavour are tried is `KGUARD_NETWORK_CLUSTERS`; `make conformance-full` tries 6,000.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Iterator
from random import Random

import pytest
from msgspec.structs import replace

from kguard.inventory import build
from kguard.layers.network.semantics.addresses import address
from kguard.layers.network.semantics.cluster import Cluster
from kguard.layers.network.semantics.policy import Direction
from kguard.layers.network.semantics.profiles import PROFILES, Profile
from kguard.model.manifests import Collected, Manifest, SourceText
from tests.properties.network.plain import Asked, Plain
from tests.properties.network.worlds import ADDRESSES, World, world

FLAVOURS: dict[str, Profile] = {
    "admin": replace(PROFILES["kube-network-policies"], baseline="direction"),
    "calico": PROFILES["calico"],
}
SEEDS, ASKED = int(os.environ.get("KGUARD_NETWORK_CLUSTERS", "600")), 30
_PORTS = (1, 53, 80, 443, 444, 8080, 65535)


@pytest.mark.parametrize("start", range(0, SEEDS, 200))
@pytest.mark.parametrize("flavour", FLAVOURS)
def test_says_what_the_plain_evaluation_says(flavour: str, start: int) -> None:
    for seed in range(start, start + 200):
        for asked, plain, ours in compared(seed, flavour):
            assert ours is plain, (seed, asked)


def compared(seed: int, flavour: str) -> Iterator[tuple[Asked, bool, bool | None]]:
    """Random questions with both answers."""
    found, rng = world(seed, flavour), Random(seed)
    cluster = _cluster(found, FLAVOURS[flavour])
    assert [q.text for policy in cluster.refused for q in policy.problems] == []
    plain = Plain(found, calico=flavour == "calico")
    pods = found.of("Pod")
    for _ in range(ASKED):
        direction = rng.choice(("ingress", "egress"))
        pod = rng.choice(pods)
        other = rng.choice([*(p for p in pods if p is not pod), *ADDRESSES])
        asked = Asked(direction, pod, other, rng.choice(("TCP", "UDP", "SCTP")), rng.choice(_PORTS))
        yield asked, plain.allows(asked), _ours(cluster, asked)


def _cluster(found: World, profile: Profile) -> Cluster:
    objects = copy.deepcopy(found.objects)
    manifests = [Manifest(value, SourceText("", n, 1, "")) for n, value in enumerate(objects)]
    marks = [entry for text in ADDRESSES if (entry := address(text))]
    return Cluster(build(Collected(manifests=manifests)), profile, whole=True, marks=marks)


def _ours(cluster: Cluster, asked: Asked) -> bool | None:
    reach = cluster.reach
    direction: Direction = "ingress" if asked.direction == "ingress" else "egress"
    numbers = {w.name: reach.classes.of_endpoint[n] for n, w in enumerate(cluster.workloads)}
    outside = address(asked.other) if isinstance(asked.other, str) else None
    if outside is not None:
        atoms = reach.addresses[direction].of_range(outside)
        bit = reach.classes.count + atoms.bit_length() - 1
    else:
        assert isinstance(asked.other, dict)
        bit = numbers[asked.other["metadata"]["name"]]
    ports = reach.allowed(direction, numbers[asked.pod["metadata"]["name"]], bit)
    atom = reach.ports.of_port(asked.protocol, asked.port)
    if ports.must & atom:
        return True
    return None if ports.may & atom else False
