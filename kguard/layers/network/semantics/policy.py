# SPDX-License-Identifier: Apache-2.0
"""What is a policy of any kind, reduced to what the evaluation needs?

The intermediate form that the front ends (`networkpolicy`, `admin` ...) produce: a tier and an
order in it, who is selected, in which direction, and the rules. Tiers are asked one after the
other; in a tier the first rule that matches decides. A NetworkPolicy is the special case whose
rules all allow and whose tier denies what none of them matched. Every rule and peer keeps the JSON
pointer it came from, so that each answer can name the line that decides.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from kguard.inventory.selectors import Selector
from kguard.layers.network.semantics.addresses import AddressRange, Block
from kguard.layers.network.semantics.expressions import Expression

Direction = Literal["ingress", "egress"]
DIRECTIONS: tuple[Direction, Direction] = ("ingress", "egress")

Action = Literal["allow", "deny", "pass"]
"""`pass` skips the rest of the tier."""


class Tier(msgspec.Struct, frozen=True, order=True):
    """Policies that are asked together; `end` is for traffic of isolated pods that none decides."""

    order: float
    name: str
    end: Literal["deny", "pass"] = "pass"


ADMIN = Tier(1_000, "admin")
NAMESPACED = Tier(1_000_000, "namespaced", "deny")
"""NetworkPolicy, the own kinds of Cilium, and those of Calico without a tier."""
BASELINE = Tier(10_000_000, "baseline")


class Problem(msgspec.Struct, frozen=True, order=True):
    """A reason why the API server would refuse the policy."""

    pointer: str
    text: str


class PortTerm(msgspec.Struct, frozen=True, order=True):
    """Ports of one protocol: a span of numbers, or the container ports of a name in that span.

    A name without protocol means the ports of that name of any protocol.
    """

    protocol: str
    low: int = 1
    high: int = 65535
    name: str = ""
    pointer: str = ""
    certain_to: int = 65535
    """The last port that the network plugin knows for certain; 0 for none."""


class Group(msgspec.Struct, frozen=True):
    """Pods by an expression, with the addresses that belong to them by name."""

    pods: Expression
    ranges: tuple[AddressRange, ...] = ()


class Entity(msgspec.Struct, frozen=True):
    """Pods and addresses for which all of several conditions hold; None is no condition."""

    group: Group | None = None
    nets: Block | None = None
    not_group: Group | None = None
    not_nets: Block | None = None
    family: Literal[0, 4, 6] = 0
    """The only family of addresses, or 0 for both."""
    doubt: str = ""
    """Why it may be fewer; empty where it is certain."""


class Peer(msgspec.Struct, frozen=True):
    """Pods by selectors, addresses by a block, or both by an entity.

    `namespaces` is None for the namespace of the policy; `pods` is never None where `block` and
    `entity` are.
    """

    pointer: str
    namespaces: Selector | None = None
    pods: Selector | None = None
    block: Block | None = None
    entity: Entity | None = None
    words: str = ""
    """How an entity is said."""
    block_of: Literal["ip_block", "networks", "nodes", "outside"] = "ip_block"
    """What the block was written as: whether it can mean pods depends on that."""
    pods_only: bool = False
    """Whether the selectors by definition never mean pods in the network of their node."""
    doubt: str = ""
    """Why the peer may be fewer than the block says; empty where it is certain."""


class Rule(msgspec.Struct, frozen=True):
    """What is decided about: any of the peers (everyone if there are none) at any of the ports."""

    pointer: str
    peers: tuple[Peer, ...]
    ports: tuple[PortTerm, ...]
    action: Action = "allow"
    name: str = ""
    doubt: str = ""
    """Why the rule may match less than its peers and ports say; empty where it is certain."""
    own: Entity | None = None
    """Which of the selected pods the rule is for; None for all."""

    @property
    def admits_everyone(self) -> bool:
        """Whether the rule names no peer."""
        return not self.peers

    @property
    def admits_all(self) -> bool:
        """Whether the rule lets everything through."""
        return self.action == "allow" and not (self.peers or self.ports or self.doubt)


class PodPolicy(msgspec.Struct, frozen=True):
    """Rules for the pods that it selects; a NetworkPolicy isolates them apart from its rules."""

    id: str
    """`Manifest.id` of the object."""
    namespace: str
    """Empty for a kind that belongs to the cluster."""
    name: str
    selector: Selector
    directions: tuple[Direction, ...]
    """The directions that it restricts."""
    ingress: tuple[Rule, ...]
    """Rules for incoming traffic as written; without effect if the direction is not restricted."""
    egress: tuple[Rule, ...]
    problems: tuple[Problem, ...] = ()
    """Why the API server would refuse it; then it has no effect."""
    kind: str = "NetworkPolicy"
    tier: Tier = NAMESPACED
    order: float = 1_000
    """The place in the tier, the lowest first."""
    tie: str = ""
    """Decides between equal orders; between equal ties too, nobody knows which policy is first."""
    subject: str = "/spec/podSelector"
    """JSON pointer of what selects the pods."""
    pods: Expression | None = None
    """What selects the pods in kinds with other selectors, then in place of `selector`."""
    spaces: Selector | None = None
    """The namespaces of the pods that it selects; None for its own."""
    pods_only: bool = False
    """Whether it by definition never selects pods in the network of their node."""
    lenient: tuple[Direction, ...] = ()
    """The directions in which it does not isolate: what no rule matches is left to others."""

    def written(self, direction: Direction) -> tuple[Rule, ...]:
        """The rules of a direction, in force or not."""
        return self.ingress if direction == "ingress" else self.egress

    def rules(self, direction: Direction) -> tuple[Rule, ...]:
        """The rules of a direction that are in force."""
        return self.written(direction) if direction in self.directions else ()

    @property
    def rank(self) -> tuple[Tier, float, str]:
        """Policies of a lower rank are asked first; nobody knows the order of equal ones."""
        return (self.tier, self.order, self.tie)
