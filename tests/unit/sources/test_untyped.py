# SPDX-License-Identifier: Apache-2.0
"""Is YAML read as programs on yaml-cpp read it: scalars as written, types on demand?"""

from __future__ import annotations

import pytest

from kguard.sources.yaml.untyped import MAX_DEPTH, Mapping, Scalar, UntypedError, load


def mapping(text: str) -> Mapping:
    (document,) = load(text)
    assert isinstance(document, Mapping)
    return document


def test_scalars_are_what_was_written():
    node = mapping("version: 0.10\n").get("version")
    assert isinstance(node, Scalar)
    assert node.text == "0.10"


@pytest.mark.parametrize(
    ("text", "value"),
    [("yes", True), ("On", True), ("OFF", False), ("n", False), ("tRUE", None), ("1", None)],
)
def test_booleans_on_demand(text, value):
    assert Scalar(text, plain=True).boolean() is value


@pytest.mark.parametrize(
    ("text", "value"), [("26", 26), ("0x1a", 26), ("-1", -1), ("1.0", None), ("012", None)]
)
def test_integers_on_demand(text, value):
    assert Scalar(text, plain=True).integer() == value


def test_only_a_plain_scalar_is_null():
    assert Scalar("", plain=True).is_null
    assert not Scalar("", plain=False).is_null


def test_the_first_of_two_entries_counts_and_places_count_from_one():
    node = mapping("a: 1\nb: x\na: 2\n").get("a")
    assert isinstance(node, Scalar)
    assert (node.text, node.line, node.column) == ("1", 1, 4)


def test_aliases_are_the_same_node():
    document = mapping("a: &x [1]\nb: *x\n")
    assert document.get("a") is document.get("b")


@pytest.mark.parametrize("text", ["a: [", "a: &x [*x]", "*y", "[" * (MAX_DEPTH + 1), "a: b: c"])
def test_what_is_no_yaml_is_refused(text):
    with pytest.raises(UntypedError):
        load(text)
