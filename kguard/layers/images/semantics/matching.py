# SPDX-License-Identifier: Apache-2.0
"""Do selectors and lists of names fit, in three values?"""

from __future__ import annotations

from typing import Any

from kguard.inventory.selectors import InvalidSelectorError, parse_selector
from kguard.layers.images.semantics.enforcement import Subject
from kguard.layers.images.semantics.globs import wildcard_matches
from kguard.model.facts.common import Truth
from kguard.model.manifests import JsonObject, sequence


def any_of(values: list[Truth]) -> Truth:
    """Whether one holds."""
    return "true" if "true" in values else "unknown" if "unknown" in values else "false"


def all_of(values: list[Truth]) -> Truth:
    """Whether all hold."""
    return "false" if "false" in values else "unknown" if "unknown" in values else "true"


def truth(value: bool) -> Truth:  # noqa: FBT001 - a conversion
    """A value that is known."""
    return "true" if value else "false"


def one_of(patterns: Any, value: str) -> bool:
    """Whether one of several wildcards fits; without any, everything does."""
    texts = [text for text in sequence(patterns) if isinstance(text, str)]
    return not texts or any(wildcard_matches(text, value) for text in texts)


def selected(selector: Any, labels: dict[str, str], *, known: bool) -> Truth:
    """Whether a label selector fits; one that is absent or empty does."""
    if selector is None:
        return "true"
    try:
        parsed = parse_selector(selector)
    except InvalidSelectorError:
        return "unknown"
    if parsed is None or parsed.matches(labels):
        return "true"
    return "false" if known else "unknown"


def selects_pods(fields: JsonObject, subject: Subject) -> Truth:
    """The selectors of a webhook or of match constraints; expressions leave it open."""
    return all_of(
        [
            "unknown" if fields.get("matchConditions") else "true",
            selected(fields.get("objectSelector"), subject.labels, known=True),
            selected(
                fields.get("namespaceSelector"),
                subject.namespace_labels,
                known=subject.namespace_known,
            ),
        ]
    )
