# SPDX-License-Identifier: Apache-2.0
"""What is an intended connection?"""

from __future__ import annotations

from typing import Literal

import msgspec

from kguard.model.facts.common import Evidence
from kguard.model.facts.network import Basis


class Party(msgspec.Struct, frozen=True, order=True):
    """One end of a connection.

    `workload`: pods of the input (`index`); `pods`: pods known by namespace and labels, which need
    not be in the input; `anyone`: clients outside the cluster; `somewhere`: pods of which nothing
    is known; `address`: a host outside the cluster, whose address is not known.
    """

    kind: Literal["workload", "pods", "anyone", "somewhere", "address"]
    name: str
    """In words, for messages."""
    index: int = -1
    namespace: str = ""
    labels: tuple[tuple[str, str], ...] = ()


class Flow(msgspec.Struct, frozen=True):
    """A connection that something in the input shows to be intended."""

    source: Party
    target: Party
    protocol: str
    port: int
    basis: Basis
    because: Evidence


def anyone(name: str) -> Party:
    """Clients outside the cluster."""
    return Party("anyone", name)


def somewhere(name: str) -> Party:
    """Pods of which nothing is known."""
    return Party("somewhere", name)


def pods(name: str, namespace: str, **labels: str) -> Party:
    """Pods by namespace and labels (`k8s_app` stands for `k8s-app`)."""
    pairs = sorted((key.replace("_", "-"), value) for key, value in labels.items())
    return Party("pods", name, namespace=namespace, labels=tuple(pairs))
