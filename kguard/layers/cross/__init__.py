# SPDX-License-Identifier: Apache-2.0
"""What do layers do to one another?

A sixth facts document, computed from the other five alone: it imports nothing but the model.
"""

from __future__ import annotations

from kguard.layers.cross.join import compare, coverage, join
from kguard.model.facts.cross import Facts
from kguard.model.layer import Layer

LAYER = Layer(name="cross", facts_type=Facts, facts=join, coverage=coverage, compare=compare)
