# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from datetime import date

import pytest

from kguard.layers.mtls.facts.exemptions import Exemption, read, write

TODAY = date(2026, 11, 23)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("until=2027-01-31; reason=x", Exemption("documented", "2027-01-31")),
        ("reason=x;until=2026-11-23", Exemption("documented", "2026-11-23")),
        ("until=2026-11-22; reason=x", Exemption("expired", "2026-11-22")),
        ("until=2027-01-31", Exemption()),
        ("until=2027-01-31; reason=", Exemption()),
        ("until=soon; reason=x", Exemption()),
        ("reason=x", Exemption()),
        ("", Exemption()),
    ],
)
def test_annotation(text: str, expected: Exemption) -> None:
    assert read(text, TODAY) == expected


def test_what_is_written_can_be_read() -> None:
    text = write("one; two\nthree", date(2027, 1, 31))
    assert text == "until=2027-01-31; reason=one, two three"
    assert read(text, TODAY).state == "documented"
