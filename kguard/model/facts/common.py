# SPDX-License-Identifier: Apache-2.0
"""Which pieces do the facts of all layers share?"""

from __future__ import annotations

from typing import Literal

import msgspec

Scope = Literal["app", "cluster"]
"""`cluster`: the input is a whole cluster, so that absence is meaningful; `app`: it is not."""

Presence = Literal["present", "absent", "unknown"]
"""Whether the layer's subject occurs in the input (unknown: something could not be read)."""

Truth = Literal["true", "false", "unknown"]


class Evidence(msgspec.Struct, frozen=True, order=True, omit_defaults=True):
    """One step of an argument: the object and field that decide, in words.

    `ref` is `Manifest.id`, `PlainDocument.id` or `PlainFile.id`; `pointer` is the JSON pointer
    within that object; for a `PlainFile`, `line` is the 1-based line instead. An absence has an
    empty `ref` and a note that says what was looked for.
    """

    ref: str = ""
    pointer: str = ""
    note: str = ""
    role: str = "decides"
    """`decides` (part of the reason) or `related` (context, a victim, a caller)."""
    line: int = 0
