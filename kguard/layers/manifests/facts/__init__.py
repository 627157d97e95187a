# SPDX-License-Identifier: Apache-2.0
"""What is wrong with the manifests as such, before any layer asks what they do?"""

from __future__ import annotations

from kguard.inventory import Inventory
from kguard.layers.manifests.facts.ambiguities import ambiguities
from kguard.layers.manifests.facts.duplicates import duplicates
from kguard.layers.manifests.facts.problems import problems
from kguard.layers.manifests.facts.references import references
from kguard.layers.manifests.facts.templates import templates
from kguard.layers.manifests.facts.unlisted import unlisted
from kguard.model.facts.manifests import Facts
from kguard.model.findings import LayerCoverage
from kguard.model.layer import Request


def compute(inventory: Inventory, request: Request) -> Facts:
    """The facts document. Never raises on hostile manifests."""
    number = len(inventory.manifests) + len(inventory.shadowed)
    return Facts(
        scope=request.scope,
        presence="present" if number else "absent",
        objects=number,
        ambiguities=ambiguities(inventory),
        problems=problems(inventory),
        templates=templates(inventory),
        duplicates=duplicates(inventory),
        references=references(inventory),
        unlisted=unlisted(inventory),
    )


def coverage(facts: Facts) -> LayerCoverage:
    """All objects that were read are judged; a template is none."""
    state = "evaluated" if facts.objects else "no_evidence"
    return LayerCoverage(state, facts.objects, facts.objects, "objects")  # type: ignore[arg-type]
