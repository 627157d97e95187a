# SPDX-License-Identifier: Apache-2.0
"""Which ports does a rule speak of, as sets that can be intersected in one step?

All ports of all policies cut the port space of each protocol into atoms: runs of ports that no
policy tells apart. A set of ports is an integer with one bit for each atom. Authority for the
protocols and bounds: staging/src/k8s.io/api/networking/v1/types.go (NetworkPolicyPort).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable

import msgspec

PROTOCOLS = ("SCTP", "TCP", "UDP")
"""The protocols that NetworkPolicy knows, in the order of listings."""

MAX_PORT = 65535


class PortSpan(msgspec.Struct, frozen=True, order=True):
    """A run of ports of one protocol, both ends included."""

    protocol: str
    low: int
    high: int

    def __str__(self) -> str:
        ports = str(self.low) if self.low == self.high else f"{self.low}-{self.high}"
        return f"{self.protocol} {ports}"


_MAX_DIGITS = 9


def is_number(text: str) -> bool:
    """Whether a text is a number in digits, of sensible length."""
    return text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS


def port_number(text: str) -> int:
    """The port that a text says in digits; 0 where it says none."""
    return int(text) if is_number(text) and int(text) <= MAX_PORT else 0


class PortAtoms:
    """The atoms of a set of policies, and port sets as integers over them."""

    def __init__(self, spans: Iterable[PortSpan]) -> None:
        cuts = {protocol: {1} for protocol in PROTOCOLS}
        for span in spans:
            cuts[span.protocol].update((span.low, span.high + 1))
        self._starts: dict[str, list[int]] = {}
        self._base: dict[str, int] = {}
        base = 0
        for protocol in PROTOCOLS:
            self._starts[protocol] = sorted(cut for cut in cuts[protocol] if 1 <= cut <= MAX_PORT)
            self._base[protocol] = base
            base += len(self._starts[protocol])
        self.everything = (1 << base) - 1

    def _index(self, protocol: str, port: int) -> int:
        return self._base[protocol] + bisect_right(self._starts[protocol], port) - 1

    def of_span(self, span: PortSpan) -> int:
        """The atoms of a span that was given to the constructor (or lies inside one atom)."""
        first = self._index(span.protocol, span.low)
        last = self._index(span.protocol, span.high)
        return ((1 << (last - first + 1)) - 1) << first

    def of_port(self, protocol: str, port: int) -> int:
        """The atom that holds one port; 0 for a protocol that NetworkPolicy does not know."""
        if protocol not in self._base or not 1 <= port <= MAX_PORT:
            return 0
        return 1 << self._index(protocol, port)

    def of_protocol(self, protocol: str) -> int:
        """All ports of a protocol."""
        return self.of_span(PortSpan(protocol, 1, MAX_PORT))

    def spans(self, ports: int) -> list[PortSpan]:
        """The set as maximal spans, by protocol and port."""
        found: list[PortSpan] = []
        for protocol in PROTOCOLS:
            found += self._spans_of(protocol, ports >> self._base[protocol])
        return found

    def _spans_of(self, protocol: str, ports: int) -> list[PortSpan]:
        starts = self._starts[protocol]
        found: list[PortSpan] = []
        for index, low in enumerate(starts):
            if not ports >> index & 1:
                continue
            high = starts[index + 1] - 1 if index + 1 < len(starts) else MAX_PORT
            if found and found[-1].high == low - 1:
                found[-1] = PortSpan(protocol, found[-1].low, high)
            else:
                found.append(PortSpan(protocol, low, high))
        return found

    def text(self, ports: int) -> str:
        """The set in the words of connectivity listings: `All Connections`, `TCP 80,443-445`."""
        if ports == self.everything:
            return "All Connections"
        if not ports:
            return "No Connections"
        words: dict[str, list[str]] = {}
        for span in self.spans(ports):
            words.setdefault(span.protocol, []).append(str(span).partition(" ")[2])
        return ",".join(f"{protocol} {','.join(spans)}" for protocol, spans in words.items())
