# SPDX-License-Identifier: Apache-2.0
"""The family `manifests`: will the objects be stored as they are written?"""

from __future__ import annotations

from kguard.layers.manifests.facts import compute, coverage
from kguard.layers.manifests.order import compare
from kguard.model.facts.manifests import Facts
from kguard.model.layer import Layer

LAYER = Layer(
    name="manifests",
    facts_type=Facts,
    facts=compute,
    coverage=coverage,
    compare=compare,
)
