# SPDX-License-Identifier: Apache-2.0
"""Which rule comes first, for all peers and ports at once, and how certain is that?

Authority: network-policy-api apis/v1alpha2/clusternetworkpolicy_types.go (tiers, `Pass`, equal
priorities) and projectcalico api/pkg/apis/projectcalico/v3/tier.go (default action). Peers are
bits; the ports are kept in parts that no rule applied so far tells apart. For each part it is
known which peers may still be undecided, may have skipped the tier, may be allowed, may be denied:
a peer that is in several of these sets is a question that the input leaves open.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from kguard.layers.network.semantics.endpoints import Mask
from kguard.layers.network.semantics.policy import Action

Matches = Mapping[int, Mask]
"""Port sets and the peers that are matched at them."""

Step = tuple[Action, Matches]
"""Rules of one action with nothing between them: their order means nothing."""

Certainty = Literal["no", "maybe", "yes"]


class Part:
    """The verdicts on one set of ports."""

    __slots__ = ("allow", "deny", "open", "passed", "ports")

    def __init__(self, ports: int, peers: tuple[int, int, int, int]) -> None:
        self.ports = ports
        self.open, self.passed, self.allow, self.deny = peers

    def copy(self, ports: int) -> Part:
        """The same verdicts on other ports."""
        return Part(ports, (self.open, self.passed, self.allow, self.deny))

    def decide(self, action: Action, mask: Mask) -> None:
        """A rule decides about the peers that it matches and that are still open."""
        hit = self.open & mask.may
        if action == "allow":
            self.allow |= hit
        elif action == "deny":
            self.deny |= hit
        else:
            self.passed |= hit
        self.open &= ~mask.must

    def join(self, other: Part) -> None:
        """What happened here, or there instead."""
        self.open &= other.open
        self.passed |= other.passed
        self.allow |= other.allow
        self.deny |= other.deny


class Verdicts:
    """What the rules applied so far say about every peer and port."""

    def __init__(self, ports: int, everyone: int) -> None:
        self.parts = [Part(ports, (everyone, 0, 0, 0))]

    def copy(self) -> Verdicts:
        """An independent copy."""
        other = Verdicts(0, 0)
        other.parts = [part.copy(part.ports) for part in self.parts]
        return other

    def apply(self, step: Step) -> None:
        """Rules of one action decide about what they match and what is still open."""
        action, matches = step
        for ports, mask in matches.items():
            self._split(ports)
            for part in self.parts:
                if part.ports & ports:
                    part.decide(action, mask)

    def _split(self, ports: int) -> None:
        """Make every part lie inside or outside a set of ports."""
        for part in self.parts[:]:
            inside = part.ports & ports
            if inside and inside != part.ports:
                self.parts.append(part.copy(inside))
                part.ports &= ~ports

    def apply_any_first(self, policies: Sequence[Sequence[Step]]) -> None:
        """Policies whose order nobody knows: any of them may come first."""
        for step in (step for steps in policies for step in steps):
            for ports in step[1]:
                self._split(ports)
        outcomes = [self._after(steps) for steps in policies]
        for index, part in enumerate(self.parts):
            for outcome in outcomes:
                part.join(outcome[index])

    def _after(self, steps: Iterable[Step]) -> list[Part]:
        found = self.copy()
        for step in steps:
            found.apply(step)
        return found.parts

    def end_tier(self, denies: Certainty) -> None:
        """What is open at the end of a tier is denied or goes on; what skipped the tier goes on."""
        for part in self.parts:
            if denies != "no":
                part.deny |= part.open
            if denies == "yes":
                part.open = 0
            part.open |= part.passed
            part.passed = 0

    def accept(self, accepts: Certainty) -> None:
        """What is still open is allowed."""
        for part in self.parts:
            if accepts != "no":
                part.allow |= part.open
            if accepts == "yes":
                part.open = 0

    @property
    def settled(self) -> bool:
        """Whether nothing is open any more."""
        return not any(part.open for part in self.parts)

    def allowed(self) -> list[tuple[int, Mask]]:
        """At the end, ports with the peers that are allowed; what is still open is allowed."""
        self.accept("yes")
        merged: dict[tuple[int, int], int] = {}
        for part in self.parts:
            if part.allow:
                key = (part.allow & ~part.deny, part.allow)
                merged[key] = merged.get(key, 0) | part.ports
        return [(ports, Mask(must, may)) for (must, may), ports in merged.items()]
