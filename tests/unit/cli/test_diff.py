# SPDX-License-Identifier: Apache-2.0
"""Does what is told of a change fit a screen, whatever it does, and stay text?"""

from __future__ import annotations

import msgspec
import pytest

from kguard.model.differences import Appeared, Cause, Difference, Effect
from kguard.model.findings import Incomplete
from kguard.reporters import change_markdown, change_text
from tests.unit.reporters.reports import finding

LINE = Cause(side="head", object="NetworkPolicy shop/web", file="p.yaml", line=4, text="- {}")


def effect(number=0, cause=LINE, text="opens every port of shop/web to {}"):
    return Effect(
        kind="opens",
        layer="network",
        text=text.replace("{}", str(number)),
        targets=("Deployment shop/web",),
        cause=cause,
    )


def new(number, cause=LINE):
    return Appeared(finding("network/a", f"app-{number}"), cause)


def lines(found):
    return change_text.render(found).splitlines()


def test_a_changed_line_is_said_once_above_what_it_does():
    found = Difference(effects=(effect(),), new=(new(1), new(2)), unchanged=3)
    first, second, third, last = lines(found)
    assert first == "p.yaml:4  - {}"
    assert second == "  opens        every port of shop/web to 0"
    assert third.startswith("  new ")
    assert third.endswith("(+ 1 more like this)")
    assert last == "2 new, 0 fixed, 3 unchanged"


def test_a_new_doubt_is_told_as_one_and_apart():
    doubt = Appeared(finding("network/a", "app-2", state="unknown"), LINE)
    found = Difference(new=(new(1), doubt))
    _, first, second, _ = lines(found)
    assert "  undecided: any pod" in second
    assert "undecided" not in first
    rows = [row for row in change_markdown.render(found).splitlines() if "network/a" in row]
    assert ["undecided: " in row for row in rows] == [False, True]


def test_what_several_lines_do_together_says_so():
    assert lines(Difference(effects=(effect(cause=None),)))[0] == "several changes together"


def test_what_is_gone_says_so():
    gone = msgspec.structs.replace(LINE, side="base")
    assert lines(Difference(effects=(effect(cause=gone),)))[0] == "p.yaml:4 (removed)  - {}"


def test_nothing_is_one_line():
    found = Difference(objects=43, unchanged=9)
    sentence = "kguard: no effect on the five layers (43 objects changed)"
    assert lines(found) == [sentence]
    assert sentence in change_markdown.render(found).replace("\\", "")


def test_nothing_seen_is_not_nothing():
    found = Difference(objects=1, incomplete=(Incomplete("context prod", "no answer"),))
    sentence = "kguard: no effect is seen, but not everything could be judged (1 object changed)"
    assert lines(found) == [sentence]
    assert sentence in change_markdown.render(found).replace("\\", "")


def test_what_is_only_undecided_is_no_silence():
    found = Difference(undecided=(finding("network/b", "app"),), unchanged=2)
    assert lines(found)[-1] == "0 new, 0 fixed, 1 undecided, 2 unchanged"
    assert "this change leaves 1 undecided" in change_markdown.render(found)


HUGE = Difference(
    effects=tuple(effect(n, msgspec.structs.replace(LINE, line=n)) for n in range(5000)),
    new=tuple(new(n, msgspec.structs.replace(LINE, line=n)) for n in range(5000)),
    fixed=tuple(finding("network/b", f"app-{n}") for n in range(5000)),
)


def test_a_huge_change_is_bounded_and_says_so():
    told = lines(HUGE)
    assert len(told) < 80
    assert "and 4980 more changed lines: -o json has them all" in told
    assert told[-1] == "5000 new, 5000 fixed, 0 unchanged"
    comment = change_markdown.render(HUGE)
    assert len(comment.encode()) < 65_536
    assert "4980 more effects are in the JSON report." in comment


LONG = "x" * 5_000_000
HOSTILE = "a|b`c` <img src=x> @team #1 ::error::owned ##[error]owned https://evil.example\n| x |"


@pytest.mark.parametrize("text", [LONG, HOSTILE], ids=["long", "hostile"])
def test_text_of_the_input_stays_in_its_cell(text):
    cause = Cause(side="head", object=text, file=text, line=1, text=text)
    one = effect(cause=cause, text=f"opens {text}")
    comment = change_markdown.render(Difference(effects=(one,) * 20, new=(new(1, cause),)), "x")
    assert len(comment.encode()) < 65_536 * 2
    rows = [line for line in comment.splitlines() if line.startswith("| opens")]
    assert len(rows) == 20
    for forbidden in ("<img", "@team", "::error::", "##[", "://evil"):
        assert forbidden not in comment
    told = change_text.render(Difference(effects=(one,)))
    assert "::error::" not in told
    assert max(map(len, told.splitlines())) < 3000
