# SPDX-License-Identifier: Apache-2.0
"""Are documents edited in place, and everything else left as it is?"""

from __future__ import annotations

import random

import pytest

from kguard.model.locations import escape_pointer
from kguard.model.remedies import Operation
from kguard.sources.yaml import Document, load
from kguard.sources.yaml.splice import SpliceRefused, splice

POLICY = """# owner: team-a
kind: NetworkPolicy   # v1
spec:
  podSelector: {}
  ingress:
  # everyone
  - {}   # really
  - from:
    - podSelector: {matchLabels: {app: web}}
    ports: [{port: 80}, {port: 81}]
  policyTypes: [Ingress]
# the end
"""


def add(pointer, value):
    return Operation("add", pointer, value)


def replace(pointer, value):
    return Operation("replace", pointer, value)


def remove(pointer):
    return Operation("remove", pointer)


@pytest.mark.parametrize(
    ("operation", "before", "after"),
    [
        (replace("/kind", "Pod"), "kind: NetworkPolicy ", "kind: Pod "),
        (replace("/kind", "yes"), "kind: NetworkPolicy ", 'kind: "yes" '),
        (
            replace("/spec/podSelector", {"matchLabels": {"a": "b"}}),
            "podSelector: {}",
            "podSelector: {matchLabels: {a: b}}",
        ),
        (add("/spec/policyTypes/-", "Egress"), "[Ingress]", "[Ingress, Egress]"),
        (add("/spec/policyTypes/0", "Egress"), "[Ingress]", "[Egress, Ingress]"),
        (remove("/spec/policyTypes"), "  policyTypes: [Ingress]\n", ""),
        (remove("/spec/policyTypes/0"), "policyTypes: [Ingress]", "policyTypes: []"),
        (remove("/spec/ingress/0"), "  - {}   # really\n", ""),
        (add("/spec/egress", [{}]), "[Ingress]\n", "[Ingress]\n  egress:\n  - {}\n"),
        (
            add("/spec/ingress/0", {"from": [{"x": 1}]}),
            "  - {}   # really",
            "  - from:\n    - x: 1\n  - {}   # really",
        ),
        (
            replace("/spec/ingress/0", {"from": []}),
            "- {}   # really",
            "- {from: []}   # really",
        ),
        (remove("/spec/ingress/1/ports/0"), "[{port: 80}, {port: 81}]", "[{port: 81}]"),
        (remove("/spec/ingress/1/ports/1"), "[{port: 80}, {port: 81}]", "[{port: 80}]"),
        (
            remove("/spec/ingress/1/from"),
            "  - from:\n    - podSelector: {matchLabels: {app: web}}\n    ports",
            "  - ports",
        ),
        (
            add("/spec/ingress/1/from/0/podSelector/matchLabels/tier", "fe"),
            "{app: web}",
            "{app: web, tier: fe}",
        ),
    ],
)
def test_one_edit(operation, before, after):
    assert POLICY.count(before) == 1
    assert splice(POLICY, [operation]) == POLICY.replace(before, after)


def test_json_stays_json():
    text = '{"spec": {"rules": [\n  {"level": "None"}\n]}}'
    edited = splice(text, [add("/spec/rules/0", {"level": "Metadata"})])
    assert edited == '{"spec": {"rules": [\n  {"level": "Metadata"}, {"level": "None"}\n]}}'


def test_line_ends_are_kept():
    text = "a:\r\n- 1\r\nb: 2\r\n"
    assert splice(text, [add("/a/-", 3)]) == "a:\r\n- 1\r\n- 3\r\nb: 2\r\n"


@pytest.mark.parametrize(
    ("text", "operation"),
    [
        (POLICY, replace("/spec/nothing", 1)),
        (POLICY, remove("/spec/nothing")),
        (POLICY, add("/kind/x", 1)),
        (POLICY, replace("/spec/ingress/9", 1)),
        ("a: &x {b: 1}\nc: *x\n", replace("/c/b", 2)),
        ("a: &x 1\nc: *x\n", replace("/a", 2)),
        ("a: 1\na: 2\n", remove("/a")),
    ],
)
def test_what_cannot_be_done_is_refused(text, operation):
    with pytest.raises(SpliceRefused):
        splice(text, [operation])


def _places(value, pointer=""):
    if isinstance(value, dict):
        for key, child in value.items():
            yield f"{pointer}/{escape_pointer(key)}", child
            yield from _places(child, f"{pointer}/{escape_pointer(key)}")
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield f"{pointer}/{index}", child
            yield from _places(child, f"{pointer}/{index}")


VALUES = ("STRICT", "no", 8443, True, ["a", {"b": "c"}], {"x": {"y": [1]}}, {}, [], "two\nlines\n")


def _random_operation(rng, value):
    places = list(_places(value))
    pointer, found = rng.choice(places)
    kind = rng.choice(("replace", "add", "remove"))
    new = rng.choice(VALUES)
    if kind == "add":
        if isinstance(found, dict):
            return add(f"{pointer}/kguard-new", new)
        if isinstance(found, list):
            return add(f"{pointer}/{rng.choice(['-', '0', str(len(found))])}", new)
    return Operation(kind, pointer, None if kind == "remove" else new)


def test_random_edits_of_real_manifests(shared):
    """An edit is exact or refused; of ordinary manifests none is refused."""
    rng = random.Random(7)
    done, refused = 0, []
    for path in sorted((shared / "corpus").rglob("*.yaml")):
        for document in load(path.read_bytes()):
            if not isinstance(document, Document) or not isinstance(document.value, dict):
                continue
            if len(document.text) > 20_000 or not document.value:
                continue
            for _ in range(4):
                operation = _random_operation(rng, document.value)
                done += 1
                try:
                    splice(document.text, [operation])
                except SpliceRefused as error:
                    refused.append((str(path), operation, str(error)))
    assert done > 1_500
    assert refused == []


STYLES = """a: 'x'  # one
b: "y"
list:
    - p   # two
    # three
    - q
map:
  k: 1   # four
  # five
  l: 2
"""


@pytest.mark.parametrize(
    ("operation", "before", "after"),
    [
        (replace("/a", "z"), "'x'", "'z'"),
        (replace("/b", "z"), '"y"', '"z"'),
        (replace("/a", "tab\t"), "'x'", '"tab\\t"'),
        (add("/list/-", {"a": ["b"]}), "    - q\n", "    - q\n    - a:\n          - b\n"),
        (add("/list/1", "r"), "    - q\n", "    - r\n    - q\n"),
        (replace("/map", {"k": 1, "l": 3, "m": 4}), "  l: 2\n", "  l: 3\n  m: 4\n"),
        (replace("/map", {"l": 2}), "  k: 1   # four\n", ""),
        (remove("/list/0"), "    - p   # two\n", ""),
        (replace("/list", []), "list:\n    - p   # two\n    # three\n    - q\n", "list: []\n"),
        (add("/map/text", "one\ntwo\n"), "  l: 2\n", "  l: 2\n  text: |\n    one\n    two\n"),
        (add("/emoji", "\U0001f600"), "  l: 2\n", '  l: 2\nemoji: "\U0001f600"\n'),
    ],
)
def test_styles_are_kept(operation, before, after):
    assert STYLES.count(before) == 1
    assert splice(STYLES, [operation]) == STYLES.replace(before, after)


def test_a_comment_is_not_swallowed_by_a_block_scalar():
    text = "a:\n  b: 1\n    # deeper comment\n"
    edited = splice(text, [add("/a/c", "x\ny\n")])
    assert edited == 'a:\n  b: 1\n  c: "x\\ny\\n"\n    # deeper comment\n'
