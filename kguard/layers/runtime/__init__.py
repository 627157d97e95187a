# SPDX-License-Identifier: Apache-2.0
"""The runtime layer: which attacks would Falco see, on which nodes, and would anyone hear?"""

from __future__ import annotations

from kguard.layers.runtime.facts import compute, coverage
from kguard.layers.runtime.order import compare
from kguard.model.facts.runtime import Facts
from kguard.model.layer import Layer

LAYER = Layer(
    name="runtime",
    facts_type=Facts,
    facts=compute,
    coverage=coverage,
    compare=compare,
)
