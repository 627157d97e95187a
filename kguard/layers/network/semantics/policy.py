# SPDX-License-Identifier: Apache-2.0
"""What is a policy, reduced to what the evaluation needs?

The intermediate form that front ends (`networkpolicy` today) produce: who is selected, in which
direction traffic is restricted, and what each rule lets through. Every rule and peer keeps the
JSON pointer it came from, so that each answer can name the line that decides.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from kguard.inventory.selectors import Selector
from kguard.layers.network.semantics.addresses import Block

Direction = Literal["ingress", "egress"]
DIRECTIONS: tuple[Direction, Direction] = ("ingress", "egress")


class Problem(msgspec.Struct, frozen=True, order=True):
    """A reason why the API server would refuse the policy."""

    pointer: str
    text: str


class PortTerm(msgspec.Struct, frozen=True, order=True):
    """Ports of one protocol: a span of numbers, or the name of a container port."""

    protocol: str
    low: int = 1
    high: int = 65535
    name: str = ""
    pointer: str = ""


class Peer(msgspec.Struct, frozen=True, order=True):
    """Pods by selectors, or addresses by a block.

    `namespaces` is None for the namespace of the policy; `pods` is never None where `block` is.
    """

    pointer: str
    namespaces: Selector | None = None
    pods: Selector | None = None
    block: Block | None = None


class Rule(msgspec.Struct, frozen=True, order=True):
    """What is let through: any of the peers (everyone if there are none) at any of the ports."""

    pointer: str
    peers: tuple[Peer, ...]
    ports: tuple[PortTerm, ...]

    @property
    def admits_everyone(self) -> bool:
        """Whether the rule names no peer."""
        return not self.peers

    @property
    def admits_all(self) -> bool:
        """Whether the rule lets everything through."""
        return not self.peers and not self.ports


class PodPolicy(msgspec.Struct, frozen=True):
    """Isolates the pods that it selects in its directions, apart from what its rules admit."""

    id: str
    """`Manifest.id` of the object."""
    namespace: str
    name: str
    selector: Selector
    directions: tuple[Direction, ...]
    """The directions that it restricts."""
    ingress: tuple[Rule, ...]
    """Rules for incoming traffic as written; without effect if the direction is not restricted."""
    egress: tuple[Rule, ...]
    problems: tuple[Problem, ...] = ()
    """Why the API server would refuse it; then it has no effect."""

    def written(self, direction: Direction) -> tuple[Rule, ...]:
        """The rules of a direction, in force or not."""
        return self.ingress if direction == "ingress" else self.egress

    def rules(self, direction: Direction) -> tuple[Rule, ...]:
        """The rules of a direction that are in force."""
        return self.written(direction) if direction in self.directions else ()
