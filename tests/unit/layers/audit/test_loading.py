# SPDX-License-Identifier: Apache-2.0
"""Which policies does the API server start with?"""

from __future__ import annotations

import pytest

from kguard.layers.audit.semantics.loading import load
from kguard.layers.audit.semantics.version import Version, parse_version


def _policy(*rules, **fields):
    return {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": [*rules], **fields}


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (None, "apiVersion"),
        ([], "not an object"),
        ("text", "not an object"),
        ({"kind": "Policy", "rules": []}, "apiVersion is missing"),
        ({"apiVersion": "audit.k8s.io/v1beta1", "rules": []}, "not served"),
        ({"apiVersion": "audit.k8s.io/v1", "kind": "PolicyList"}, "not Policy"),
        (_policy(), "no rules"),
        (_policy({"level": True}), "rules[0].level is not a string"),
        (_policy({"level": "Everything"}), "is not a level"),
        (_policy({"verbs": ["get"]}), "has no level"),
        (_policy({"level": "None", "users": [1001]}), "rules[0].users[0] is not a string"),
        (_policy({"level": "None", "nonResourceURLs": ["healthz"]}), "begin with /"),
        (_policy({"level": "None"}, omitStages=["Started"]), "is not a stage"),
        (_policy({"level": "None", "resources": [{"group": "apps/v1"}]}), "not an API group"),
    ],
)
def test_refused(document: object, message: str) -> None:
    loaded = load(document, Version(1, 36))
    assert loaded.state == "invalid"
    assert message in loaded.problems[0].message


def test_a_missing_kind_is_accepted() -> None:
    assert load({"apiVersion": "audit.k8s.io/v1", "rules": [{"level": "None"}]}).state == "valid"


def test_unknown_fields_are_ignored_and_named() -> None:
    loaded = load(_policy({"level": "None", "verb": ["get"]}, verbs=["get"]))
    assert loaded.state == "valid"
    assert [(field.pointer, field.rule) for field in loaded.ignored] == [
        ("/verbs", -1),
        ("/rules/0/verb", 0),
    ]


@pytest.mark.parametrize(
    ("version", "state"),
    [(Version(1, 35), "invalid"), (Version(1, 36), "valid"), (None, "unknown")],
)
def test_every_group_is_valid_from_1_36_on(version: Version | None, state: str) -> None:
    document = _policy({"level": "None", "resources": [{"group": "*", "resources": ["pods"]}]})
    assert load(document, version).state == state


@pytest.mark.parametrize(
    ("text", "version"),
    [("v1.36.3", (1, 36)), ("1.34", (1, 34)), ("v1.34.2+rke2r1", (1, 34)), ("stable", None)],
)
def test_versions(text: str, version: tuple[int, int] | None) -> None:
    assert parse_version(text) == version
