# SPDX-License-Identifier: Apache-2.0
"""How widely is one direction of a workload open, in few words?

"The internet" means public addresses of IPv4 or IPv6; a port counts as open to it when at least
half of them are admitted, so that a rule with a few exceptions does not look closed.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from kguard.layers.network.semantics.addresses import AddressRange, network_range
from kguard.layers.network.semantics.blocks import PRIVATE
from kguard.layers.network.semantics.cluster import Cluster
from kguard.layers.network.semantics.policy import DIRECTIONS, Direction
from kguard.layers.network.semantics.reach import Ports
from kguard.model.facts.network import Admission, Isolation, Reach

METADATA = network_range("169.254.169.254/32")
_SPECIAL = tuple(
    network_range(cidr)
    for cidr in ("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3", "2000::/3")
)
MARKS = (*PRIVATE, *_SPECIAL, METADATA)
"""Ranges that answers must tell apart."""

_GLOBAL_IPV6 = _SPECIAL[-1]

Test = Callable[[int], bool]


class Openness:
    """Answers who reaches what, for whole kinds of peers; equal rows are worked out once."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self._memo: dict[tuple[int, Test], Ports] = {}
        self._tests: dict[object, Test] = {}
        self._internet = {direction: self._measure(direction) for direction in DIRECTIONS}
        self._covered: dict[tuple[Direction, int], bool] = {}

    def _kept(self, key: object, make: Callable[[], Test]) -> Test:
        """One object for each test, so that answers can be kept under it."""
        if key not in self._tests:
            self._tests[key] = make()
        return self._tests[key]

    def _measure(self, direction: Direction) -> list[tuple[int, int, int]]:
        """(bit, family, size) of each atom of public addresses."""
        private = [*PRIVATE, *_SPECIAL[:-1]]
        return [
            (bit, atom.family, atom.high - atom.low + 1)
            for bit, atom in enumerate(self.cluster.reach.addresses[direction].atoms())
            if not any(_inside(atom, entry) for entry in private)
            and (atom.family != _GLOBAL_IPV6.family or _inside(atom, _GLOBAL_IPV6))
        ]

    def internet(self, direction: Direction) -> Test:
        """Whether a mask of peers holds half of the public addresses of a family."""
        return self._kept(direction, lambda: self._half(direction))

    def _half(self, direction: Direction) -> Test:
        shift = self.cluster.reach.classes.count
        atoms = self._internet[direction]
        total = {family: sum(size for _, f, size in atoms if f == family) for family in (4, 6)}

        def test(mask: int) -> bool:
            addresses = mask >> shift
            key = (direction, addresses)
            if key not in self._covered:
                have = {4: 0, 6: 0}
                for bit, family, size in atoms:
                    have[family] += size if addresses >> bit & 1 else 0
                self._covered[key] = any(have[f] * 2 >= total[f] > 0 for f in (4, 6))
            return self._covered[key]

        return test

    def one(self, endpoint: int) -> Test:
        """Whether a mask of peers holds one endpoint."""
        bit = self.cluster.reach.classes.of_endpoint[endpoint]
        return self._bit(bit)

    def _bit(self, bit: int) -> Test:
        return self._kept(bit, lambda: lambda mask: bool(mask >> bit & 1))

    def stranger(self) -> Test:
        """Whether a mask of peers holds any pod of the cluster."""
        return self.one(self.cluster.stranger)

    def neighbour(self, workload: int) -> Test:
        """Whether a mask of peers holds any pod of a workload's own namespace."""
        return self.one(self.cluster.neighbours[self.cluster.workloads[workload].namespace])

    def metadata(self) -> Test:
        """Whether a mask of peers holds the metadata service."""
        reach = self.cluster.reach
        atom = reach.addresses["egress"].of_range(METADATA).bit_length() - 1
        return self._bit(reach.classes.count + atom)

    def ports(self, direction: Direction, workload: int, test: Test) -> Ports:
        """The ports that pass a test in one direction of a workload."""
        reach = self.cluster.reach
        number = reach.classes.of_endpoint[workload]
        # The test itself, not its id: a test that is gone gives its id to another one.
        key = (id(reach.row(direction, number)), test)
        if key not in self._memo:
            self._memo[key] = reach.open_ports(direction, number, test)
        return self._memo[key]

    def admission(self, ports: Ports, interesting: list[tuple[str, int]]) -> Admission:
        """A port set in words, listing those of a workload's own ports that are in it."""
        atoms = self.cluster.reach.ports
        if ports.must == atoms.everything:
            return Admission("everything", ["*"])
        named = [
            f"{number}/{protocol}"
            for protocol, number in interesting
            if ports.must & atoms.of_port(protocol, number)
        ]
        reach: Reach = "unknown" if ports.may else "nothing"
        if ports.must:
            reach = "ports"
        return Admission(reach, named)

    def isolation(self, direction: Direction, workload: int) -> Isolation:
        """How far a direction is restricted at all."""
        reach = self.cluster.reach
        row = reach.row_of(direction, workload)
        if row.opaque:
            return "unknown"
        if not row.isolated:
            return "none"
        everyone = reach.everyone(direction)
        whole = reach.ports.everything
        if any(grant.ports == whole and grant.must == everyone for grant in row.grants):
            return "open"
        return "partial" if any(grant.may for grant in row.grants) else "closed"


class Served(msgspec.Struct, frozen=True):
    """A port that a workload offers."""

    protocol: str
    number: int

    def __str__(self) -> str:
        return f"{self.number}/{self.protocol}"


def _inside(inner: AddressRange, outer: AddressRange) -> bool:
    return inner.family == outer.family and outer.low <= inner.low and inner.high <= outer.high
