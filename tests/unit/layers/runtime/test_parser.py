# SPDX-License-Identifier: Apache-2.0
"""Are conditions read as Falco reads them, whatever they hold?"""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kguard.layers.runtime.semantics.expressions import as_text
from kguard.layers.runtime.semantics.lexer import ConditionError
from kguard.layers.runtime.semantics.parser import MAX_NESTING, parse

WORDS = "a b.c and or not ( ) = != in oneof tolower( val( exists startswith 1 0x [ ] é ,"
TOKENS = st.sampled_from((*WORDS.split(), " ", "\n", "'x y'", '"', "\\", "\x00"))


def test_precedence_is_the_grammars():
    assert as_text(parse("a or b and not c.d=1")) == "(a or (b and not c.d = 1))"


def test_text_appended_to_a_condition_binds_by_the_grammar():
    assert as_text(parse("a and b or proc.name=foo")) == "((a and b) or proc.name = foo)"


def test_a_modifier_needs_a_blank_before_it():
    assert as_text(parse("a.b = oneof (x, y)")) == "a.b = oneof (x, y)"
    with pytest.raises(ConditionError):
        parse("a.b =oneof (x, y)")


def test_a_list_whose_head_cannot_be_read_is_empty():
    assert as_text(parse(r'a.b in ("\q")')) == "a.b in ()"


def test_offsets_count_bytes():
    with pytest.raises(ConditionError) as caught:
        parse("a.b = é x")
    assert caught.value.position.offset == len("a.b = é ".encode())


def test_deep_nesting_is_an_error_and_no_crash():
    with pytest.raises(ConditionError, match="max depth"):
        parse("(" * 100_000 + "a" + ")" * 100_000)
    assert as_text(parse("(" * (MAX_NESTING - 1) + "a" + ")" * (MAX_NESTING - 1))) == "a"


@given(st.lists(TOKENS, max_size=12).map("".join))
@settings(max_examples=300, deadline=None)
def test_hostile_text_is_read_or_refused_within_the_text(text):
    offset = 0
    try:
        parse(text)
    except ConditionError as error:
        offset = error.position.offset
    assert 0 <= offset <= len(text.encode())


@given(st.lists(TOKENS, max_size=8))
@settings(max_examples=200, deadline=None)
def test_white_space_before_a_condition_changes_nothing(tokens):
    text = " ".join(tokens)
    try:
        before = as_text(parse(text))
    except ConditionError:
        return
    assert as_text(parse(f" \n\t{text}")) == before
