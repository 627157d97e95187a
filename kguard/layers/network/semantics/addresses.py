# SPDX-License-Identifier: Apache-2.0
"""Which addresses does an ipBlock mean, as sets that can be intersected in one step?

Like ports, the blocks of all rules of one direction cut the address spaces of IPv4 and IPv6 into
atoms. Authority: networking/v1 types.go (IPBlock: `cidr` minus `except`) and
pkg/apis/networking/validation/validation.go (`except` lies strictly inside `cidr`).
"""

from __future__ import annotations

import ipaddress
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence

import msgspec

_SPACES = {4: (1 << 32) - 1, 6: (1 << 128) - 1}
_FAMILIES = (4, 6)


class AddressRange(msgspec.Struct, frozen=True, order=True):
    """A run of addresses of one family, both ends included."""

    family: int
    low: int
    high: int

    def __str__(self) -> str:
        make = ipaddress.IPv4Address if self.family == _FAMILIES[0] else ipaddress.IPv6Address
        return f"{make(self.low)}-{make(self.high)}"


class Block(msgspec.Struct, frozen=True, order=True):
    """An ipBlock: what is left of `cidr` without `except`, as maximal ranges."""

    cidr: str
    excepted: tuple[str, ...]
    ranges: tuple[AddressRange, ...]


def network_range(cidr: str) -> AddressRange:
    """The range of a CIDR.

    Raises:
        ValueError: it is none, or has bits set behind the prefix, as the API server says.
    """
    address, slash, prefix = cidr.partition("/")
    if not slash or not prefix.isascii() or not prefix.isdigit() or "%" in address:
        raise ValueError(f"{cidr!r} is not a CIDR")
    network = ipaddress.ip_network(cidr, strict=True)
    if isinstance(network, ipaddress.IPv6Network) and network.network_address.ipv4_mapped:
        raise ValueError(f"{cidr!r} is an IPv4-mapped IPv6 address")
    low = int(network.network_address)
    return AddressRange(network.version, low, int(network.broadcast_address))


def block(cidr: str, excepted: Sequence[str] = ()) -> Block:
    """An ipBlock.

    Raises:
        ValueError: the API server would refuse it.
    """
    whole = network_range(cidr)
    holes = sorted(_hole(whole, cidr, text) for text in excepted)
    found, low = [], whole.low
    for hole in holes:
        if hole.low > low:
            found.append(AddressRange(whole.family, low, hole.low - 1))
        low = max(low, hole.high + 1)
    if low <= whole.high:
        found.append(AddressRange(whole.family, low, whole.high))
    return Block(cidr, tuple(excepted), tuple(found))


def _hole(whole: AddressRange, cidr: str, text: str) -> AddressRange:
    hole = network_range(text)
    inside = hole.family == whole.family and whole.low <= hole.low and hole.high <= whole.high
    if not inside or (hole.low, hole.high) == (whole.low, whole.high):
        raise ValueError(f"except {text!r} is not strictly inside {cidr!r}")
    return hole


def address(text: str) -> AddressRange | None:
    """One address as a range, or None where it is none."""
    try:
        parsed = ipaddress.ip_address(text)
    except ValueError:
        return None
    return AddressRange(parsed.version, int(parsed), int(parsed))


class AddressAtoms:
    """The atoms of a set of ranges, and address sets as integers over them, starting at bit 0."""

    def __init__(self, ranges: Iterable[AddressRange]) -> None:
        cuts: dict[int, set[int]] = {family: {0} for family in _FAMILIES}
        for entry in ranges:
            cuts[entry.family].update((entry.low, entry.high + 1))
        self._starts = {
            family: sorted(cut for cut in cuts[family] if cut <= _SPACES[family])
            for family in _FAMILIES
        }
        self._base = {4: 0, 6: len(self._starts[4])}
        self.count = len(self._starts[4]) + len(self._starts[6])
        self.everything = (1 << self.count) - 1

    def of_range(self, entry: AddressRange) -> int:
        """The atoms of a range that was given to the constructor (or lies inside one atom)."""
        starts = self._starts[entry.family]
        first = bisect_right(starts, entry.low) - 1
        last = max(first, bisect_left(starts, entry.high + 1) - 1)
        return ((1 << (last - first + 1)) - 1) << (first + self._base[entry.family])

    def of_ranges(self, ranges: Iterable[AddressRange]) -> int:
        """The union of ranges."""
        found = 0
        for entry in ranges:
            found |= self.of_range(entry)
        return found

    def atoms(self) -> list[AddressRange]:
        """All atoms, IPv4 first; the list index is the bit."""
        found = []
        for family in _FAMILIES:
            starts = self._starts[family]
            ends = [start - 1 for start in starts[1:]] + [_SPACES[family]]
            found += [
                AddressRange(family, low, high) for low, high in zip(starts, ends, strict=True)
            ]
        return found

    def ranges(self, addresses: int) -> list[AddressRange]:
        """A set as maximal ranges, IPv4 first."""
        found: list[AddressRange] = []
        for bit, atom in enumerate(self.atoms()):
            if not addresses >> bit & 1:
                continue
            last = found[-1] if found else None
            if last and last.family == atom.family and last.high == atom.low - 1:
                found[-1] = AddressRange(atom.family, last.low, atom.high)
            else:
                found.append(atom)
        return found
