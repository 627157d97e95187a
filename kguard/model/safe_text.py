# SPDX-License-Identifier: Apache-2.0
"""How does text of the input stay text, on a terminal, in a CI log and in Markdown?

Names and quoted lines are somebody else's. They must not move a cursor, hide or reorder what stands
beside them, format, link or mention, nor give a CI system an order: GitHub's runner obeys a line
of a log that begins with `::name ...::` behind any blanks, and `##[name]` anywhere in a line
(actions/runner, ActionCommand.cs); Azure Pipelines obeys `##vso[`.
"""

from __future__ import annotations

import html
import re

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
MAX_SHOWN = 2000
"""Characters of one text in Markdown; names that the API server takes are shorter by far."""

# Control, bidi, invisible and filling characters, surrogates, and what XML does not allow.
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f"
    "\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffc\ufffe\uffff\ud800-\udfff"
    "\U000e0000-\U000e007f]"
)
_ORDER = re.compile(r"::(?=[\w-]+(?:\s[^:]*(?::[^:]+)*)?::)")
_OLD_ORDER = re.compile(r"##(?=(?:vso)?\[)")
_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+!|~$-])")
_STRUCTURE = re.compile(r"([\\<>\[\]*]|^\s*[#>+-])")
_REFERENCES = (("@", "@<!-- -->"), ("://", ":<!-- -->//"), ("www.", "www<!-- -->."))


def clean(text: str) -> str:
    """One line without characters that forge a report and without orders to a CI system."""
    found = _UNSAFE.sub(REPLACEMENT, text.replace("\n", " ").replace("\t", "    "))
    if "::" in found:
        found = _ORDER.sub(": :", found)
    return _OLD_ORDER.sub("## ", found) if "##" in found else found


def shortened(text: str, limit: int = MAX_SHOWN) -> str:
    """Text of at most so many characters; what is cut is marked."""
    return text if len(text) <= limit else text[: limit - 1] + "\N{HORIZONTAL ELLIPSIS}"


def inert(text: str) -> str:
    """Text as inline Markdown that formats, links and mentions nothing.

    GitHub looks for mentions, issues and addresses in the text that Markdown yields: a backslash
    does not keep it from that, a comment in between does.
    """
    found = html.escape(clean(shortened(text)), quote=False)
    found = _SPECIAL.sub(r"\\\1", found).replace("\\#", "\\#<!-- -->")
    for sign, broken in _REFERENCES:
        found = found.replace(sign, broken)
    return found


def legible(text: str) -> str:
    """Text for a line of a Markdown file that people also read as it is: it links to nothing."""
    return _STRUCTURE.sub(r"\\\1", clean(shortened(text)))
