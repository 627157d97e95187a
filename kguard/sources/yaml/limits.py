# SPDX-License-Identifier: Apache-2.0
"""How much will the YAML reader take from hostile input?"""

from __future__ import annotations

MAX_FILE_BYTES = 64 * 1024 * 1024
MAX_DOCUMENT_CHARACTERS = 16 * 1024 * 1024
MAX_DOCUMENTS = 100_000
MAX_DEPTH = 500
"""Nesting of one document, counted before and after aliases are expanded."""

MAX_AMBIGUITIES = 1_000
"""Ambiguities that are recorded for one document; the rest repeat what is said already."""

MAX_REPAIRED_CHARACTERS = 50_000_000
"""Characters of one document that may be read again because YAML libraries differ about them."""

# The alias budget of go-yaml (go.yaml.in/yaml/v2 v2.4.3, decode.go, allowedAliasRatio): below
# the low mark 99 % of all decoded nodes may come from aliases, above the high mark 10 %.
ALIAS_FREE_COUNT = 100
ALIAS_FREE_DECODES = 1_000
ALIAS_RANGE_LOW = 400_000
ALIAS_RANGE_HIGH = 4_000_000
ALIAS_RATIO_LOW = 0.99
ALIAS_RATIO_HIGH = 0.10


def allowed_alias_ratio(decodes: int) -> float:
    """The share of decoded nodes that aliases may cause, by go-yaml's scale."""
    if decodes <= ALIAS_RANGE_LOW:
        return ALIAS_RATIO_LOW
    if decodes >= ALIAS_RANGE_HIGH:
        return ALIAS_RATIO_HIGH
    progress = (decodes - ALIAS_RANGE_LOW) / (ALIAS_RANGE_HIGH - ALIAS_RANGE_LOW)
    return ALIAS_RATIO_LOW - (ALIAS_RATIO_LOW - ALIAS_RATIO_HIGH) * progress
