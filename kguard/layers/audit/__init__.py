# SPDX-License-Identifier: Apache-2.0
"""The audit layer: is every management operation really recorded?"""

from __future__ import annotations

from kguard.layers.audit.comparison import compare, coverage
from kguard.layers.audit.facts import compute
from kguard.layers.audit.facts.metrics import FILES
from kguard.model.facts.audit import Facts
from kguard.model.layer import Layer

LAYER = Layer(
    name="audit",
    facts_type=Facts,
    facts=compute,
    coverage=coverage,
    compare=compare,
    files=("*.sh", FILES),
)
