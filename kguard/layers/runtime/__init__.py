# SPDX-License-Identifier: Apache-2.0
"""The runtime layer: which attacks would Falco see, on which nodes, and would anyone hear?"""

from __future__ import annotations

from kguard.inventory import Inventory
from kguard.layers.runtime.absence import absent, coverage
from kguard.layers.runtime.order import compare
from kguard.layers.runtime.traces import METRICS, has_traces
from kguard.model.facts.runtime import Facts
from kguard.model.layer import Layer, Request


def compute(inventory: Inventory, request: Request) -> Facts:
    """The facts document; the model of Falco is loaded only where there is something to judge."""
    if not has_traces(inventory):
        return absent(inventory, request)
    from kguard.layers.runtime import facts

    return facts.compute(inventory, request)


LAYER = Layer(
    name="runtime",
    facts_type=Facts,
    facts=compute,
    coverage=coverage,
    compare=compare,
    files=(METRICS,),
)
