# SPDX-License-Identifier: Apache-2.0
"""Do quoted lines keep secrets to themselves?"""

from __future__ import annotations

import pytest

from kguard.model.redaction import MAX_QUOTE, redact


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("  mode: STRICT", "  mode: STRICT"),
        ("  value: hunter2", "  value: [redacted]"),
        ("- value: hunter2", "- value: [redacted]"),
        ("  password: hunter2", "  password: [redacted]"),
        ('  "clientSecret": "abc",', '  "clientSecret": [redacted]'),
        ("  secretName: shop-tls", "  secretName: shop-tls"),
        ("  secretKeyRef:", "  secretKeyRef:"),
        ("url: https://bob:pw@example.com/x", "url: https://[redacted]@example.com/x"),
        ("x eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc y", "x [redacted] y"),
        ("x ghp_0123456789abcdef0123 y", "x [redacted] y"),
        ("x aghp_0123456789abcdef0123 y", "x aghp_0123456789abcdef0123 y"),
        ("id: AKIAABCDEFGHIJKLMNOP", "id: [redacted]"),
        ("id: BAKIAABCDEFGHIJKLMNOP", "id: BAKIAABCDEFGHIJKLMNOP"),
        ("- xoxb-0123456789abc", "- [redacted]"),
        ("value = hunter2", "value = hunter2"),
        ("  my-API_KEY.x: |", "  my-API_KEY.x: |"),
        ("automountServiceAccountToken: false", "automountServiceAccountToken: false"),
    ],
)
def test_redact(line, shown):
    assert redact(line) == shown


def test_long_lines_are_cut():
    assert len(redact("x" * 10_000)) == MAX_QUOTE


def test_of_a_whole_file_in_one_line_the_beginning_is_searched():
    known = "ghp_0123456789abcdef0123"
    shown = redact('{"a": "' + known + '", ' + '"b": 1, ' * 100_000)
    assert shown.startswith('{"a": "[redacted]", "b": 1, ')
    assert len(shown) == MAX_QUOTE
    # the first token takes nearly all that is searched, the second is cut in two
    assert redact(f"x ghp_{'a' * 16_370} {known}") == "x [redacted] "
