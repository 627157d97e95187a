# SPDX-License-Identifier: Apache-2.0
"""Are settings put where they belong, whatever is there already?"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from kguard.inventory import build
from kguard.layers.audit import LAYER
from kguard.layers.audit.remedy.dialects import placed
from kguard.layers.audit.remedy.server import mend_server
from kguard.model.findings import Finding
from kguard.model.layer import Request
from kguard.model.manifests import Collected, PlainDocument, SourceText
from kguard.model.remedies import Cannot, Operation, RemedyRequest


@pytest.mark.parametrize(
    ("value", "operation"),
    [
        ({}, Operation("add", "/a", {"b": {"c": ["x"]}})),
        ({"a": None}, Operation("replace", "/a", {"b": {"c": ["x"]}})),
        ({"a": {"d": 1}}, Operation("add", "/a/b", {"c": ["x"]})),
        ({"a": {"b": {"c": []}}}, Operation("add", "/a/b/c/0", "x")),
        ({"a": {"b": {"c": [1, 2]}}}, Operation("add", "/a/b/c/2", "x")),
        ({"a": {"b": {"c": "text"}}}, Operation("replace", "/a/b/c", ["x"])),
    ],
)
def test_what_is_missing_is_added_with_all_above_it(value, operation):
    assert placed(value, ("a", "b", "c"), ["x"]) == operation


PLANNED = {
    "aws_eks_cluster": ("recording-off", "", 'enabled_cluster_log_types = ["api", "audit"] in x.y'),
    "google_container_cluster": ("events-lost", "reads-left-out", "google_project_iam_audit_conf"),
}


@pytest.mark.parametrize("kind", PLANNED)
def test_a_plan_is_told_what_to_write_and_which_command_says_the_same(kind):
    policy, path, setting = PLANNED[kind]
    resource = {"type": kind, "address": "x.y", "values": {}}
    plan = {"planned_values": {"root_module": {"resources": [resource]}}}
    document = PlainDocument(plan, SourceText("plan.json", 0, 1, ""))
    inventory = build(Collected(documents=[document]))
    facts = LAYER.facts(inventory, Request(scope="app", at=datetime(2026, 1, 1, tzinfo=UTC)))
    finding = Finding(
        policy=f"audit/{policy}",
        layer="audit",
        severity="high",
        target=facts.servers[0].ref,
        path=path,
        message="m",
        fingerprint="f",
        state="open",
        locations=(),
        evidence=(),
        remedy="",
        controls=(),
    )
    (told,) = mend_server(RemedyRequest((finding,), facts, inventory))
    assert isinstance(told, Cannot)
    assert told.findings == ("f",)
    assert setting in told.instead
    assert "; or with the provider's command line: " in told.instead
