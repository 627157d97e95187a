# SPDX-License-Identifier: Apache-2.0
"""Do network policies let one workload connect to a port of another, as the network layer says?"""

from __future__ import annotations

from functools import cached_property
from typing import Literal

from kguard.model.facts import network
from kguard.model.facts.common import Evidence
from kguard.model.manifests import ObjectRef

State = Literal["arrives", "blocked", "unknown"]
_VERDICTS: dict[str, State] = {"allowed": "arrives", "blocked": "blocked"}


class Passages:
    """The intended flows of the network layer, by their ends and port."""

    def __init__(self, net: network.Facts) -> None:
        self._net = net

    @cached_property
    def _flows(self) -> dict[tuple[str, str, str], network.Flow]:
        """Built only where a question is asked: large clusters have many flows."""
        return {(flow.source, flow.target, flow.port): flow for flow in self._net.flows}

    def between(
        self, source: ObjectRef, target: ObjectRef, port: int | str
    ) -> tuple[State, list[Evidence]]:
        """What becomes of a TCP connection, and why; unknown where no flow is about it."""
        flow = self._flows.get((_short(source), _short(target), f"{port}/TCP"))
        return (_VERDICTS.get(flow.verdict, "unknown"), flow.because) if flow else ("unknown", [])


def _short(ref: ObjectRef) -> str:
    return f"{ref.namespace}/{ref.name}"
