# SPDX-License-Identifier: Apache-2.0
"""Does the reader say what is ambiguous, where it stands, and what it will not take?"""

from __future__ import annotations

import pytest

from kguard.sources.yaml import Broken, Document, expand_items, limits, load, locate, refusal
from kguard.sources.yaml.limits import allowed_alias_ratio


def only(text: str | bytes, **options) -> Document:
    data = text.encode() if isinstance(text, str) else text
    found = list(load(data, **options))
    assert len(found) == 1, found
    assert isinstance(found[0], Document), found
    return found[0]


def traps(text: str | bytes) -> list[tuple[str, str]]:
    return [(note.trap, note.pointer) for note in only(text).ambiguities]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\nb: 2\na: 3\n", [("duplicate-key", "/a")]),
        ("a: 1\nb: {a: 1, a: 2}\n", [("duplicate-key", "/b/a")]),
        ("x: &x {k: 1}\nm:\n  k: 2\n  <<: *x\n", [("merge-after-key", "/m/k")]),
        ("x: &x {k: 1}\nm:\n  <<: *x\n  k: 2\n", []),
        ("m:\n  <<: {a: 1}\n  <<: {b: 1}\n", [("merge-twice", "/m/<<")]),
        ("a: y\n", [("bool-word", "/a")]),
        ("n: 1\n", [("bool-word", "/false")]),
        ("a: [on, true, 'no']\n", [("bool-word", "/a/0")]),
        ("mode: 0644\n", [("octal-number", "/mode")]),
        ("mode: 0o17\n", [("octal-number", "/mode")]),
        ("port: 08080\n", [("padded-number", "/port")]),
        ("a: 1e3\nb: 12.0\n", [("exponent-number", "/a")]),
        ("a: 1_000\n", [("underscore-number", "/a")]),
        ("a: 0b11\n", [("binary-number", "/a")]),
        ("a: 9223372036854775808\n", [("big-number", "/a")]),
        ("a: 22:22\n", [("sexagesimal-number", "/a")]),
        ("a: 2001-12-14\n", [("timestamp", "/a")]),
        ("a: =\n", [("equals-sign", "/a")]),
        ("9090: x\n", [("non-string-key", "/9090")]),
        ("1: x\n'1': z\n", [("non-string-key", "/1"), ("colliding-keys", "/1")]),
        ("a: {containerPort:80}\n", [("flow-key-without-space", "/a/containerPort:80")]),
        ("a: !Foo x\n", [("explicit-tag", "/a")]),
        ("a: !!str 1\n", []),
        ("a: &x 1\nb: &x 2\nc: *x\n", [("anchor-redefined", "/b")]),
        ("a: 1\n...\nb: 2\n", [("text-after-end", "")]),
        ("a: 1\n...\n# c\n", []),
        ("a: |\n  x", [("no-final-newline", "/a")]),
        ("a: >\n  x\n   y\n  z\n", [("folded-scalar", "/a")]),
        (b"a: caf\xe9\n", [("invalid-utf8", "")]),
        ("a: 1\x85b: 2\n", [("line-break-character", "")]),
        ("a: 'y'\nb: \"0644\"\nc: x\n", []),
        ("a: 10.0.0.1\nb: v1\nc: 1.5\nd: -1\ne: true\nf: ~\n", []),
    ],
)
def test_traps(text, expected):
    assert traps(text) == expected


def test_a_trap_has_its_places():
    note = only("kind: X\nspec:\n  a: 1\n  b: 2\n  a: 3\n").ambiguities[0]
    assert (note.span.line, note.span.column, note.span.end_line, note.span.end_column) == (
        5,
        3,
        5,
        4,
    )
    assert note.other is not None
    assert note.other.line == 3


def test_later_documents_have_lines_of_the_file():
    found = list(load(b"a: 1\n---\n# c\nb: y\n"))
    assert [item.line for item in found] == [1, 3]
    assert found[1].ambiguities[0].span.line == 4


def test_json_values_without_separator_are_ambiguous():
    first, second = load(b'{"a": 1}\n{"b": 2}\n')
    assert first.ambiguities == ()
    assert [note.trap for note in second.ambiguities] == ["json-stream"]


def test_a_broken_document_does_not_stop_the_file():
    found = list(load(b"a: 1\n---\nb: [\n---\nc: 3\n--- x\nd: 4\n---\ne: 5\n"))
    assert [type(item) for item in found] == [Document, Broken, Broken, Document, Document]
    assert [item.index for item in found] == [0, 1, 2, 3, 4]
    assert found[1].line in {3, 4}
    assert found[2].line == 6
    assert "separator" in found[2].message


def test_broken_json_does_not_stop_the_file():
    found = list(load(b'{"a": 1}\n{"b": 2}\n{"c": \n---\nd: 4\n'))
    assert [type(item) for item in found] == [Document, Document, Broken, Document]


@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize(
    "text",
    [
        "[" * 2000 + "]" * 2000,
        "a: " + "{a: " * 600 + "}" * 600 + "\n",
        "".join(" " * i + "a:\n" for i in range(600)),
        '{"a":' + "[" * 600 + "]" * 600 + "}",
        "[" * 100_000,
    ],
    ids=["flow", "mapping", "block", "json", "unclosed"],
)
def test_nesting_is_limited(text, fast):
    assert [type(item) for item in load(text.encode(), fast=fast)] == [Broken]


@pytest.mark.parametrize("text", ["[" * 499 + "]" * 499, "{a: " * 499 + "}" * 499])
@pytest.mark.parametrize("profile", ["kubectl", "kustomize"])
def test_nesting_to_the_limit_is_read(text, profile):
    assert only(f"a: {text}\n", profile=profile).value["a"]


def test_aliases_cannot_nest_beyond_the_limit():
    text = "a0: &a0 [x]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}]\n" for i in range(1, 600))
    assert isinstance(next(load(text.encode())), Broken)


def test_alias_bombs_are_refused():
    rows = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    rows += [
        f"{b}: &{b} [{', '.join(['*' + a] * 9)}]" for a, b in zip("abcdefg", "bcdefgh", strict=True)
    ]
    found = list(load("\n".join(rows).encode()))
    assert [item.message for item in found] == ["document contains excessive aliasing"]


def test_repairs_of_the_dialect_are_limited():
    escapes = "".join(f'k{i}: "\\\'"\n' for i in range(3_000)) + "#" * 100_000
    found = next(load(escapes.encode()))
    assert isinstance(found, Broken)
    assert "read differently" in found.message


def test_many_merges_over_many_keys():
    text = "x: &x {" + ", ".join(f"k{i}: 1" for i in range(50)) + "}\nm:\n"
    text += "".join(f"  k{i % 50}: {i}\n" + "  <<: *x\n" * (i % 10 == 0) for i in range(2_000))
    document = only(text)
    assert (document.value["m"]["k0"], document.value["m"]["k49"]) == (1, 1999)
    assert len(document.ambiguities) <= limits.MAX_AMBIGUITIES


def test_the_alias_budget_falls_with_the_size():
    assert allowed_alias_ratio(400_000) == 0.99
    assert allowed_alias_ratio(4_000_000) == 0.10
    assert allowed_alias_ratio(2_200_000) == pytest.approx(0.545)


def test_files_and_documents_are_limited(monkeypatch):
    monkeypatch.setattr(limits, "MAX_FILE_BYTES", 100)
    monkeypatch.setattr(limits, "MAX_DOCUMENTS", 3)
    monkeypatch.setattr(limits, "MAX_DOCUMENT_CHARACTERS", 20)
    assert isinstance(next(load(b"#" * 101)), Broken)
    many = list(load(b"a: 1\n---\n" * 5))
    assert [type(item) for item in many] == [Document] * 3 + [Broken]
    long, short = load(b"a: 123456789012345678901\n---\nb: 1\n")
    assert isinstance(long, Broken)
    assert isinstance(short, Document)


@pytest.mark.parametrize(
    ("value", "pointers"),
    [
        ({"kind": "Pod"}, [""]),
        ({"kind": "List", "items": [{"apiVersion": "v1", "kind": "Pod"}]}, ["/items/0"]),
        ({"kind": "PodList", "apiVersion": "v1", "items": [{}, {}]}, ["/items/0", "/items/1"]),
        ({"kind": "List", "items": None}, []),
        ({"items": [1]}, [""]),
    ],
)
def test_lists_are_expanded(value, pointers):
    assert [part[0] for part in expand_items(value)] == pointers


def test_items_inherit_their_type():
    value = {"kind": "PodList", "apiVersion": "v1", "items": [{"metadata": {}}]}
    assert list(expand_items(value)) == [
        ("/items/0", {"metadata": {}, "apiVersion": "v1", "kind": "Pod"})
    ]


@pytest.mark.parametrize(
    ("value", "refused"),
    [
        ({"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "a"}}, False),
        ({"kind": "Pod", "metadata": {"namespace": False}}, True),
        ({"kind": "Pod", "metadata": {"labels": {"a": 1}}}, True),
        ({"kind": "Pod", "metadata": {"labels": {"a": None}}}, False),
        ({"kind": "Pod", "apiVersion": 1}, True),
        ({"kind": "Pod", "apiVersion": "a/b/c"}, True),
        ({"apiVersion": "v1"}, True),
    ],
)
def test_objects_that_kubectl_refuses(value, refused):
    assert (refusal(value) is not None) is refused


TEXT = """# c
kind: X
spec:
  base: &b {mode: OFF}
  list:
  - a: 1   # one
  - 'two'
  mtls:
    <<: *b
"""


@pytest.mark.parametrize(
    ("pointer", "found", "place"),
    [
        ("/kind", "/kind", (12, 7)),
        ("/spec/list/0/a", "/spec/list/0/a", (16, 8)),
        ("/spec/list/1", "/spec/list/1", (17, 5)),
        ("/spec/list/7", "/spec/list", (16, 3)),
        ("/spec/mtls/mode", "/spec/mtls/mode", (14, 19)),
        ("/nothing/below", "", (12, 1)),
    ],
)
def test_places_of_pointers(pointer, found, place):
    location = locate(TEXT, 11, pointer)
    assert location.pointer == found
    assert (location.value.line, location.value.column) == place


def test_kustomize_reads_otherwise():
    text = "a: y\nb: &x {k: 1}\nc:\n  k: 2\n  <<: *x\n"
    assert only(text).value == {"a": True, "b": {"k": 1}, "c": {"k": 1}}
    assert only(text, profile="kustomize").value == {"a": "y", "b": {"k": 1}, "c": {"k": 2}}
    assert isinstance(next(load(b"a: 1\na: 2\n", profile="kustomize")), Broken)
