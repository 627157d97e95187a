# SPDX-License-Identifier: Apache-2.0
"""Does an ipBlock also match pods?

The API calls this undefined (networking/v1 types.go, IPBlock; kubernetes.io, "NetworkPolicy
and ipBlock"); `profiles` holds the readings. Pods whose addresses are not in the input are taken to
have one of the private ranges below. A pod with several addresses is matched with certainty where
all of them are.
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
PRIVATE_IPV4 = [entry for entry in PRIVATE if entry.family == PRIVATE[0].family]

_EVERY_IPV4 = (network_range("0.0.0.0/0"),)


class BlockIndex:
    """Answers which classes have an address of a block."""

    def __init__(self, classes: Classes) -> None:
        pods = list(enumerate(classes.representatives))
        unknown = [number for number, endpoint in pods if not endpoint.addresses]
        self.unknown = from_bits(unknown, classes.count)
        """The classes whose addresses are not in the input."""
        self._known = [
            (1 << number, [found for text in endpoint.addresses if (found := address(text))])
            for number, endpoint in pods
            if endpoint.addresses
        ]
        self._memo: dict[Block, tuple[Mask, bool]] = {}

    def pods(self, block: Block, reading: Literal["yes", "no", "maybe"]) -> Mask:
        """The classes that a block selects, under one reading of the API."""
        if reading == "no":
            return NOTHING
        inside, near = self._entry(block)
        everyone = block.ranges == _EVERY_IPV4
        certain = inside.must | (self.unknown if everyone else 0)
        may = inside.may | (self.unknown if near else 0)
        return Mask(certain if reading == "yes" else 0, may)

    def known(self, block: Block) -> Mask:
        """The classes with known addresses that lie in a block."""
        return self._entry(block)[0]

    def _entry(self, block: Block) -> tuple[Mask, bool]:
        found = self._memo.get(block)
        if found is None:
            near = any(_touches(block, space) for space in PRIVATE)
            found = self._memo[block] = (self._inside(block), near)
        return found

    def _inside(self, block: Block) -> Mask:
        must = may = 0
        for bit, addresses in self._known:
            covered = [_covers(block, entry) for entry in addresses]
            must |= bit if covered and all(covered) else 0
            may |= bit if any(covered) else 0
        return Mask(must, may)


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
