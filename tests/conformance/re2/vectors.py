# SPDX-License-Identifier: Apache-2.0
"""What did RE2 say of regular expressions in POSIX syntax, and what do we?

Recorded from the bindings `google-re2` with the options `posix_syntax` and `longest_match`, those
of `RE2::POSIX`, on random texts of metacharacters.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from kguard.layers.runtime.semantics.regexps import complaint

Point = tuple[str, str, str]


def expressions(_: Path) -> Iterator[Point]:
    """The complaint about each expression; empty where it is taken."""
    answers = json.loads((Path(__file__).parent / "posix.json").read_text(encoding="utf-8"))
    for pattern, recorded in answers["answers"]:
        yield pattern, recorded, complaint(pattern)


SUITES = {"re2 expressions of Falco": expressions}
