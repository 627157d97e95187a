# SPDX-License-Identifier: Apache-2.0
"""How wide is an accepted identity, and are expressions matched as Go matches them?"""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kguard.layers.images.semantics.go_regexp import compile_expression
from kguard.layers.images.semantics.identities import (
    Identity,
    is_anchored,
    trust_of,
    widest,
)

GITHUB = "https://token.actions.githubusercontent.com"


@pytest.mark.parametrize(
    ("identity", "trust"),
    [
        (Identity(issuer=GITHUB, subject="https://github.com/acme/x"), "named"),
        (Identity(issuer=GITHUB, subject_regexp="^https://github\\.com/acme/.*$"), "named"),
        (Identity(issuer=GITHUB, subject_regexp="https://github\\.com/acme/"), "unanchored"),
        (Identity(issuer=GITHUB, subject_regexp=".*"), "everyone"),
        (Identity(issuer=GITHUB, subject_regexp="^https://github\\.com/.+$"), "everyone"),
        (Identity(issuer_regexp=".*", subject_regexp=".*@.*"), "everyone"),
        (Identity(issuer=GITHUB), "everyone"),
        (Identity(issuer="https://sso.acme.example", subject_regexp=".*"), "named"),
        (Identity(issuer=GITHUB, subject_regexp="(?i)acme"), "unanchored"),
        (Identity(issuer=GITHUB, subject_regexp="(?m)^acme$"), "unknown"),
        (Identity(issuer=GITHUB, subject_regexp="^((a+)+)+$"), "named"),
        (Identity(issuer=GITHUB, subject_regexp="(unclosed"), "unknown"),
    ],
)
def test_trust(identity, trust):
    assert trust_of(identity) == trust


@pytest.mark.parametrize(
    ("expression", "value", "expected"),
    [
        ("acme", "evil-acme-evil", True),
        ("^acme$", "acme", True),
        ("^acme$", "acme\n", False),
        ("^github.com/(acme|shop)/", "github-com/acme/", True),
        (r"\d+", "\u0663", False),
        ("(?i)^ACME$", "Acme", True),
        ("(?i)[^a]", "A", False),
        ("(?i)[b-z]", "Q", True),
        ("(?i)k", "\u212a", True),
        ("(?i:a)b", "AB", False),
        ("((?i)a)b", "Ab", True),
        ("(?i)a(?-i)b", "AB", False),
        ("(?s)^.$", "\n", True),
        ("(?P<who>acme)+$", "xacmeacme", True),
    ],
)
def test_expressions_match_as_in_go(expression, value, expected):
    assert compile_expression(expression).matches(value) is expected


@pytest.mark.parametrize(
    "expression",
    [
        "(",
        ")",
        "[",
        "[]",
        "[b-a]",
        "a**",
        "*",
        "a{2,1}",
        "a{1001}",
        "(?m)^a",
        "(?i)*a",
        "(?=a)",
        "(?P<a-b>b)",
        r"\b",
        r"\pL",
        "[[:alpha:]]",
        "\\",
        "x" * 5000,
        "(" * 100 + ")" * 100,
        "((a{100}){100}){100}",
    ],
)
def test_what_is_not_known_is_not_judged(expression):
    assert compile_expression(expression) is None


@pytest.mark.parametrize("expression", ["(a*)*", "((a+)b?)+$", "(.*a){20}", ".*.*.*.*.*.*x"])
def test_expressions_cannot_run_away(expression):
    compiled = compile_expression(expression)
    assert compiled.matches("a" * 300) is (expression == "(a*)*" or expression != ".*.*.*.*.*.*x")


ATOMS = st.sampled_from(["a", "b", ".", "[ab]", "[^a]", r"\.", r"\d", "^", "$", "(?:a|b)", "(ab)"])
REPEATS = st.sampled_from(["", "*", "+", "?", "{2}", "{1,2}", "{0,1}", "{1,}"])


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(ATOMS, REPEATS), max_size=4).map(
        lambda parts: "".join(a if a in "^$" else a + r for a, r in parts)
    ),
    st.text("ab.1", max_size=6),
    st.booleans(),
)
def test_matches_what_pythons_engine_matches(text, value, both):
    text = f"{text}|ab" if both else text
    assert compile_expression(text).matches(value) is bool(re.search(text, value))


def test_unknown_expressions_do_not_accept():
    identity = Identity(issuer=GITHUB, subject_regexp="(?m)a")
    assert identity.matches(GITHUB, "aaaa") is None
    assert identity.matches("https://other", "aaaa") is False


def test_anchors():
    assert is_anchored("^a$")
    assert is_anchored(r"\Aa\z")
    assert not is_anchored("^a|b$")
    assert not is_anchored(r"^a\$")


def test_the_widest_of_several_counts():
    assert widest(["named", "everyone"]) == "everyone"
    assert widest([]) == "nobody"
