# SPDX-License-Identifier: Apache-2.0
"""Which places differ, and does what is the same by another hand stay silent?"""

from __future__ import annotations

import pytest

from kguard.triage.edits import MAX_ALIGNED, Spot, differences


@pytest.mark.parametrize(
    ("old", "new", "spots"),
    [
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, []),
        ({"a": 1}, {"a": 2}, ["base /a", "head /a"]),
        ({"a": 1, "b": 1}, {"a": 1}, ["base /b"]),
        ({"a": 1}, {"a": 1, "b/c": 1}, ["head /b~1c"]),
        ({"r": [1, 2]}, {"r": [0, 1, 2]}, ["head /r/0"]),
        ({"r": [0, 1, 2]}, {"r": [1, 2]}, ["base /r/0"]),
        ({"r": [{"p": 1, "q": 1}]}, {"r": [{"p": 1, "q": 2}]}, ["base /r/0/q", "head /r/0/q"]),
        ({"r": [{"from": 1}]}, {"r": [{}]}, ["base /r/0", "head /r/0"]),
        ({"a": True, "b": 0}, {"a": 1, "b": 0}, ["base /a", "head /a"]),
        ({"a": {"x": 1}, "b": 0}, {"a": [1], "b": 0}, ["base /a", "head /a"]),
        ({"t": "a\nb\n", "b": 0}, {"t": "a\nx\nb\n", "b": 0}, ["head /t:2"]),
        ({"t": "a\nb\n", "b": 0}, {"t": "a\n", "b": 0}, ["base /t:2"]),
    ],
)
def test_the_smallest_places_that_differ(old, new, spots):
    found = [
        f"{s.side} {s.pointer}" + (f":{s.line}" if s.line else "") for s in differences(old, new)
    ]
    assert found == spots


def test_long_lists_are_compared_by_position():
    old = [{"n": number, "k": 0} for number in range(MAX_ALIGNED)]
    new = [*old[:-1], {"n": MAX_ALIGNED - 1, "k": 1}]
    assert list(differences({"r": old}, {"r": new})) == [
        Spot("base", f"/r/{MAX_ALIGNED - 1}/k"),
        Spot("head", f"/r/{MAX_ALIGNED - 1}/k"),
    ]
