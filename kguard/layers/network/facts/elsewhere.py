# SPDX-License-Identifier: Apache-2.0
"""Do the policies of a workload let it connect with nodes and with the API server?

Both are addresses to policies. Where the input does not tell them, they are taken to be among the
private ones: then only what all or none of those get is certain. The node that a pod runs on is
left out, for it is always admitted (networking/v1 types.go).
"""

from __future__ import annotations

from collections.abc import Sequence

from kguard.inventory import Inventory
from kguard.layers.network.facts.summary import Openness, Test
from kguard.layers.network.intent.targets import api_endpoints
from kguard.layers.network.semantics.addresses import AddressRange, network_range
from kguard.layers.network.semantics.blocks import PRIVATE_IPV4
from kguard.layers.network.semantics.policy import Direction
from kguard.layers.network.semantics.reach import Ports
from kguard.model.facts.network import Admission

_API_PORTS = (443, 6443)
_MAX_ADDRESSES = 16
"""More endpoints than an API server has: the rest is not looked at."""


def api_marks(inventory: Inventory) -> list[AddressRange]:
    """The addresses of the API server, which answers must tell apart."""
    found = sorted({cidr for cidrs, _ in api_endpoints(inventory) for cidr in cidrs})
    return [network_range(cidr) for cidr in found[:_MAX_ADDRESSES]]


class Elsewhere:
    """Answers about addresses that are no pods; the cluster must know `api_marks`."""

    def __init__(self, openness: Openness) -> None:
        self._openness = openness
        inventory = openness.cluster.inventory
        self._api = api_marks(inventory)
        self._ports = sorted({port for _, port in api_endpoints(inventory)}) or list(_API_PORTS)
        self._tests: dict[tuple[str, str, bool], Test] = {}

    def nodes(self, direction: Direction, index: int, own: Sequence[tuple[str, int]]) -> Admission:
        """What nodes, apart from its own, can open of a workload, or it of them."""
        return self._admission(direction, index, "nodes", own)

    def api_server(self, index: int) -> Admission:
        """Whether a workload can open the API server."""
        return self._admission("egress", index, "api", [("TCP", port) for port in self._ports])

    def _admission(
        self, direction: Direction, index: int, who: str, interesting: Sequence[tuple[str, int]]
    ) -> Admission:
        ports = self._openness.ports
        every = ports(direction, index, self._test(direction, who, every=True))
        some = ports(direction, index, self._test(direction, who, every=False))
        found = Ports(every.must, some.may)
        atoms = self._openness.cluster.reach.ports
        if who == "api" and found.must != atoms.everything:
            spoken = 0
            for protocol, port in interesting:
                spoken |= atoms.of_port(protocol, port)
            found &= Ports(spoken, spoken)
        return self._openness.admission(found, list(interesting))

    def _test(self, direction: Direction, who: str, *, every: bool) -> Test:
        key = (direction, who, every)
        if key not in self._tests:
            self._tests[key] = self._made(direction, who, every=every)
        return self._tests[key]

    def _made(self, direction: Direction, who: str, *, every: bool) -> Test:
        reach = self._openness.cluster.reach
        ranges = self._api if who == "api" and self._api else PRIVATE_IPV4
        wanted = reach.addresses[direction].of_ranges(ranges) << reach.classes.count
        if every:
            return lambda peers: not wanted & ~peers
        return lambda peers: bool(wanted & peers)
