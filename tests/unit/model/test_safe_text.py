# SPDX-License-Identifier: Apache-2.0
"""Does text of the input stay text?"""

from __future__ import annotations

import pytest

from kguard.model.safe_text import clean, inert, legible, shortened


@pytest.mark.parametrize(
    "character",
    list(
        "\x00\x1b\r\x7f\x9b\u00ad\u200b\u202e\u2066\u206a\u3164\ufeff\ufffe\uffff\ud800\U000e0041"
    ),
)
def test_characters_that_forge_are_replaced(character):
    assert clean(f"a{character}b") == "a\ufffdb"
    assert character not in inert(f"a{character}b")


@pytest.mark.parametrize(
    ("order", "harmless"),
    [
        ("::error::x", ": :error::x"),
        ("  ::set-output name=a::b", "  : :set-output name=a::b"),
        ("x ::warning file=a.yaml,line=1::y", "x : :warning file=a.yaml,line=1::y"),
        ("::stop-commands::t", ": :stop-commands::t"),
        ("a\n::debug::b", "a : :debug::b"),
        ("##[add-path]/tmp", "## [add-path]/tmp"),
        ("x##[group]y", "x## [group]y"),
        ("##vso[task.setvariable]x", "## vso[task.setvariable]x"),
    ],
)
def test_orders_to_a_ci_system_are_broken(order, harmless):
    assert clean(order) == harmless


@pytest.mark.parametrize("address", ["::1", "::/0", "fe80::1", "::ffff:10.0.0.1", "2001:db8::/32"])
def test_addresses_stay_as_they_are(address):
    assert clean(address) == address


@pytest.mark.parametrize("text", ["see #12", "o/r#12", "@team", "www.evil.example", "http://e.x"])
def test_github_finds_nothing_to_link_or_mention(text):
    shown = inert(text)
    assert text not in shown
    assert shown.replace("<!-- -->", "").replace("\\", "") == text


def test_long_text_is_cut_and_marked():
    assert shortened("abc", 3) == "abc"
    assert shortened("abcd", 3) == "ab\N{HORIZONTAL ELLIPSIS}"
    assert len(inert("x" * 5_000_000)) < 3000


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Deployment shop/my-app_1: `x`", "Deployment shop/my-app_1: `x`"),
        ("# head", "\\# head"),
        ("a\n# b", "a # b"),
        ("[x](http://e.x) <b>", "\\[x\\](http://e.x) \\<b\\>"),
        ("- list", "\\- list"),
        ("**b**", "\\*\\*b\\*\\*"),
    ],
)
def test_legible_text_has_no_structure(text, shown):
    assert legible(text) == shown
