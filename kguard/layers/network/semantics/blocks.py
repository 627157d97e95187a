# SPDX-License-Identifier: Apache-2.0
"""Does an ipBlock also match pods?

The API calls this undefined (networking/v1 types.go, IPBlock; kubernetes.io, "NetworkPolicy
and ipBlock"); `profiles` holds the readings. Pods whose addresses are not in the input are taken to
have one of the private ranges below.
"""

from __future__ import annotations

from typing import Literal

from kguard.layers.network.semantics.addresses import (
    AddressRange,
    Block,
    address,
    network_range,
)
from kguard.layers.network.semantics.endpoints import NOTHING, Classes, Mask, from_bits

PRIVATE = tuple(
    network_range(cidr)
    for cidr in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fd00::/8")
)
"""Where pods may live when nothing better is known (RFC 1918, RFC 6598, RFC 4193)."""

_EVERY_IPV4 = (network_range("0.0.0.0/0"),)


class BlockIndex:
    """Answers which classes a block selects, under one reading of the API."""

    def __init__(self, classes: Classes, reading: Literal["yes", "no", "maybe"]) -> None:
        self._reading = reading
        pods = list(enumerate(classes.representatives))
        unknown = [number for number, endpoint in pods if not endpoint.addresses]
        self._unknown = from_bits(unknown, classes.count)
        self._known = [
            (1 << number, [found for text in endpoint.addresses if (found := address(text))])
            for number, endpoint in pods
            if endpoint.addresses
        ]
        self._memo: dict[Block, Mask] = {}

    def pods(self, block: Block) -> Mask:
        """The classes that a block selects."""
        if self._reading == "no":
            return NOTHING
        found = self._memo.get(block)
        if found is None:
            found = self._memo[block] = self._pods(block)
        return found

    def _pods(self, block: Block) -> Mask:
        inside = 0
        for bit, addresses in self._known:
            inside |= bit if any(_covers(block, entry) for entry in addresses) else 0
        near = any(_touches(block, space) for space in PRIVATE)
        certain = inside | (self._unknown if block.ranges == _EVERY_IPV4 else 0)
        must = certain if self._reading == "yes" else 0
        return Mask(must, inside | (self._unknown if near else 0))


def _covers(block: Block, entry: AddressRange) -> bool:
    return any(
        have.family == entry.family and have.low <= entry.low and entry.high <= have.high
        for have in block.ranges
    )


def _touches(block: Block, entry: AddressRange) -> bool:
    return any(
        have.family == entry.family and have.low <= entry.high and entry.low <= have.high
        for have in block.ranges
    )
