# SPDX-License-Identifier: Apache-2.0
"""Is `dead` said only of conditions that no event can meet, and of the plain ones among them?"""

from __future__ import annotations

import itertools
import re

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
        "proc.aname in ()",
        "fd.ip in ()",
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
        "fd.name startswith /etc/ssh and not fd.name startswith /etc",
        "fd.name startswith /etc/ssh and not fd.name contains ssh",
        "fd.name endswith .key and not fd.name endswith y",
        "fd.name contains id_rsa and not fd.name icontains ID_",
        "fd.name startswith /etc/ssh and not fd.name glob /etc*",
        "fd.name endswith .key and not fd.name glob *key",
        "fd.name contains secret and not fd.name glob *ecr*",
        "fd.name startswith /etc/ssh and not fd.name pmatch (/var, /etc)",
        "fd.name startswith /etc/ssh and not fd.name startswith oneof (/var, /etc)",
        "fd.name endswith .key and fd.name endswith .pem",
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
        "fd.name startswith /etc and not fd.name startswith /etc/ssh",
        "fd.name startswith /etc and not fd.name pmatch (/etc)",
        "fd.name startswith /etc/ssh and not fd.name startswith allof (/var, /etc)",
        "fd.name contains a and not fd.name glob a*",
        "fd.name icontains A and not fd.name contains A",
        "fd.name endswith key and fd.name endswith .key",
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


NAMES = ("", "a", "ab", "b", "/a", "/a/b", "/a/b/c", "/ab", "bA")
NUMBERS = ("-1", "0", "3", "7")
TEXTS = ("a", "ab", "b", "/a", "/a/", "/a/b", "A")
OPERATORS = ("=", "!=", "startswith", "endswith", "contains", "icontains")
ATOMS = st.one_of(
    st.builds("proc.name {} {}".format, st.sampled_from(OPERATORS), st.sampled_from(TEXTS)),
    st.builds("proc.name glob {}".format, st.sampled_from(["a*", "*b", "*a*", "/a/*", "*", "a*b"])),
    st.builds("proc.name pmatch ({})".format, st.sampled_from(["/a", "/a/b", "/a, /ab", "a"])),
    st.builds("proc.name startswith {} (a, /a)".format, st.sampled_from(["oneof", "allof"])),
    st.builds("proc.name in ({})".format, st.sampled_from(["", "a", "a, b", "ab", "/a/b, b"])),
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
    base, _, modifier = check.op.partition(" ")
    if modifier:
        answers = [compared(base, value, item) for item in check.right.items]
        return all(answers) if modifier == "allof" else any(answers)
    if base in ("in", "pmatch"):
        same = {"in": "=", "pmatch": "pmatch"}[base]
        return any(compared(same, value, item) for item in check.right.items)
    text = check.right.text
    if check.left.name == "fd.num":
        have, limit = number(value), number(text)
        answers = {"=": have == limit, "!=": have != limit, "<": have < limit, ">": have > limit}
        return {**answers, "<=": have <= limit, ">=": have >= limit}[base]
    return compared(base, value, text)


def compared(op: str, value: str, text: str) -> bool:
    pattern = "".join(".*" if char == "*" else re.escape(char) for char in text)
    return {
        "=": value == text,
        "!=": value != text,
        "startswith": value.startswith(text),
        "endswith": value.endswith(text),
        "contains": text in value,
        "icontains": text.lower() in value.lower(),
        "glob": re.fullmatch(pattern, value) is not None,
        "pmatch": value == text or value.startswith(text.rstrip("/") + "/"),
    }[op]


@given(CONDITIONS)
@settings(max_examples=1000, deadline=None)
def test_never_dead_where_some_event_meets_the_condition(text):
    condition = parse(text)
    events = itertools.product((None, *NAMES, "abc", "zz"), (None, *NUMBERS, "5", "100"))
    met = any(evaluate(condition, {"proc.name": n, "fd.num": f}) for n, f in events)
    assert satisfiable(condition).verdict in (("live",) if met else ("dead", "live"))
