# SPDX-License-Identifier: Apache-2.0
"""Is `dead` said only of conditions that no event can meet, and of the plain ones among them?"""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kguard.layers.runtime.semantics.domains import number
from kguard.layers.runtime.semantics.expressions import And, Check, Expression, Not, Or
from kguard.layers.runtime.semantics.parser import parse
from kguard.layers.runtime.semantics.satisfiability import satisfiable


@pytest.mark.parametrize(
    "condition",
    [
        "evt.num=0",
        "evt.type=open and evt.num=0",
        "proc.name in ()",
        "not evt.num>=0",
        "evt.dir = >",
        "proc.name=a and not proc.name=a",
        "proc.name=a and proc.name=b",
        "proc.name in (a, b) and not proc.name in (b, a, c)",
        "proc.name in (cat, dog) and proc.name startswith x",
        "fd.name startswith /etc and fd.name startswith /var",
        "evt.type=open and evt.type=close",
        "evt.type=open and not evt.type in (open, close)",
        "fd.num > 3 and fd.num <= 3",
        "fd.num > 3 and not fd.num >= 2",
        "fd.name=/x and not fd.name glob *",
        "container.id != host and not container.id exists",
        "(proc.name=a or proc.name=b) and proc.name=c",
        "not (proc.name=a or not proc.name=a)",
        "jevt.rawtime=0",
        "proc.name regex a.* and not proc.name regex a.*",
    ],
)
def test_dead(condition):
    assert satisfiable(parse(condition)).verdict == "dead"


@pytest.mark.parametrize(
    "condition",
    [
        "evt.num>0",
        "not proc.name=a and not proc.name=b",
        "not proc.name in ()",
        "proc.aname=a and proc.aname=b",
        "fd.ip=1.1.1.1 and fd.ip=2.2.2.2",
        "proc.name regex a.* and not proc.name=a",
        "proc.name=val(proc.pname)",
        "fd.name startswith /etc and fd.name startswith /etc/ssh",
        "not fd.num >= 2 and not fd.num < 2",
        "tolower(proc.name)=a and proc.name=A",
        "proc.name = oneof (a, b)",
        "fd.num >= 3 and fd.num <= 3",
        "fd.num = 0x10 and fd.num = 16",
    ],
)
def test_live(condition):
    assert satisfiable(parse(condition)).verdict == "live"


def test_the_conflict_is_named():
    assert satisfiable(parse("proc.name=a and (fd.num=1 or proc.name=b)")).verdict == "live"
    answer = satisfiable(parse("fd.num=1 and proc.name=a and proc.name=b"))
    assert answer.conflict == ("proc.name = a", "proc.name = b")


def test_a_search_is_cut_short():
    many = " and ".join(f"(a.b{n} regex x or a.c{n} regex y)" for n in range(40))
    impossible = " and ".join(
        f"(proc.name=a{n} or proc.name=b{n} or proc.name=c{n})" for n in range(40)
    )
    assert satisfiable(parse(many)).verdict == "live"
    assert satisfiable(parse(impossible)).verdict in ("dead", "unknown")


NAMES = ("", "a", "ab", "b")
NUMBERS = ("-1", "0", "3", "7")
ATOMS = st.one_of(
    st.builds("proc.name {} {}".format, st.sampled_from(["=", "startswith", "contains", "!="]),
              st.sampled_from(["a", "ab", "b"])),
    st.builds("proc.name in ({})".format, st.sampled_from(["", "a", "a, b", "ab"])),
    st.builds("fd.num {} {}".format, st.sampled_from(["=", "<", "<=", ">", ">=", "!="]),
              st.sampled_from(NUMBERS)),
    st.sampled_from(["proc.name exists", "fd.num exists"]),
)  # fmt: skip
CONDITIONS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.builds("({} and {})".format, inner, inner),
        st.builds("({} or {})".format, inner, inner),
        st.builds("not ({})".format, inner),
    ),
    max_leaves=8,
)


def evaluate(node: Expression, event: dict[str, str | None]) -> bool:
    match node:
        case And(children):
            return all(evaluate(child, event) for child in children)
        case Or(children):
            return any(evaluate(child, event) for child in children)
        case Not(child):
            return not evaluate(child, event)
        case Check():
            return compare(node, event[node.left.name])
    raise AssertionError(node)


def compare(check: Check, value: str | None) -> bool:
    if value is None or check.op == "exists":
        return value is not None
    if check.op == "in":
        return value in check.right.items
    text = check.right.text
    if check.left.name == "fd.num":
        have, limit = number(value), number(text)
        answers = {"=": have == limit, "!=": have != limit, "<": have < limit, ">": have > limit}
        return {**answers, "<=": have <= limit, ">=": have >= limit}[check.op]
    answers = {"=": value == text, "!=": value != text, "contains": text in value}
    return {**answers, "startswith": value.startswith(text)}[check.op]


@given(CONDITIONS)
@settings(max_examples=500, deadline=None)
def test_never_dead_where_some_event_meets_the_condition(text):
    condition = parse(text)
    events = itertools.product((None, *NAMES, "abc", "zz"), (None, *NUMBERS, "5", "100"))
    met = any(evaluate(condition, {"proc.name": n, "fd.num": f}) for n, f in events)
    if met:
        assert satisfiable(condition).verdict == "live"
    else:
        assert satisfiable(condition).verdict in ("dead", "live")
