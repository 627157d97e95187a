# SPDX-License-Identifier: Apache-2.0
"""Is Rego v0 written as v1 does, line by line, and is v1 left alone?"""

from __future__ import annotations

import pytest

from kguard.engine.adopted.syntax import syntax

V1 = """package main

import rego.v1

# deny[x] { in a comment
deny contains msg if {
	some x in input.spec.xs
	msg := "deny[x] {"
}

deny contains "x" if input.kind == "A"

allow if every x in input.xs {
	x == 1
}

found[x] if { x := 1 }

test_a if count(deny) == 1 with input as {"a": 1}
	with data.x as [{"b": 1}]

f(x) := y if {
	y := x
} else := 3
"""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("deny[msg] { msg := 1 }", "deny contains msg if { msg := 1 }"),
        ('deny["a"] { true }', 'deny contains "a" if { true }'),
        ('v[{"msg": m}] {\n m := "{" }', 'v contains {"msg": m} if {\n m := "{" }'),
        ("m[k] = v { v := input[k] }", "m[k] = v if { v := input[k] }"),
        ("f(x) = y { y := x }", "f(x) = y if { y := x }"),
        ("f(x) = x + 1 { x > 0 }", "f(x) = x + 1 if { x > 0 }"),
        ("f(x) { x } { not x }", "f(x) if { x } \n f(x) if { not x }"),
        ("a = 1 { b } else = {} { c }", "a = 1 if { b } else = {} if { c }"),
        ("p.q { true }", "p.q if { true }"),
        ("a { true } # {", "a if { true } # {"),
        ("default a = {}\na { b }", "default a = {}\na if { b }"),
        ("a[x] { x }\nb[1]", "a contains x if { x }\nb contains 1"),
        ("a { any([b]) }", "a if { data.kguard_rego_v0.any([b]) }"),
        ("any(x) { x }\na { any(1) }", "any(x) if { x }\na if { any(1) }"),
    ],
)
def test_old_heads_are_written_as_new_ones(old, new):
    assert syntax(f"package p\n{old}\n").text == f"package p\n{new}\n"
    assert syntax(f"package p\n{new}\n").text == f"package p\n{new}\n"


def test_new_modules_stay_as_they_are():
    found = syntax(V1)
    assert found.text == V1
    assert [(h.name, h.kind) for h in found.heads] == [
        ("deny", "set"),
        ("deny", "set"),
        ("allow", "value"),
        ("found", "value"),
        ("test_a", "value"),
        ("f", "function"),
    ]


def test_what_a_module_refers_to():
    text = 'package a.b\nimport data.lib.x\nd { data["c"].e; input.review["object"].f; g.h(1) }\n'
    found = syntax(text)
    assert found.package == "a.b"
    assert found.references == {"lib.x", "c.e"}
    assert found.inputs == {"review.object.f"}
    assert found.calls == {"g.h"}


@pytest.mark.parametrize(
    "text", ["", "package", "package p\nf(", "a[", 'x = "', "\x00{]", "=", "}{"]
)
def test_no_text_is_too_odd(text):
    assert syntax(text).text == text
