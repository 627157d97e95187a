# SPDX-License-Identifier: Apache-2.0
"""The mtls layer: which mode does every workload port really enforce?"""

from __future__ import annotations

from kguard.layers.mtls.facts import compute, coverage
from kguard.layers.mtls.order import compare
from kguard.model.facts.mtls import Facts
from kguard.model.layer import Layer

LAYER = Layer(
    name="mtls",
    facts_type=Facts,
    facts=compute,
    coverage=coverage,
    compare=compare,
)
