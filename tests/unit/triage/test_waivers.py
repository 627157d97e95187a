# SPDX-License-Identifier: Apache-2.0
"""Do waivers silence exactly what they name, for as long as they say?"""

from __future__ import annotations

from datetime import date

import msgspec
import pytest

from kguard.errors import ConfigError
from kguard.model.findings import Finding, fingerprint
from kguard.model.locations import Location
from kguard.model.manifests import Collected, Manifest, ObjectRef, SourceText
from kguard.triage import waivers

TODAY = date(2026, 11, 23)
WEB = ObjectRef("apps/v1", "Deployment", "shop", "web")


def finding(policy="network/default-deny", target=WEB, line=4):
    return Finding(
        fingerprint=fingerprint(policy, target, ""),
        policy=policy,
        layer="network",
        severity="high",
        state="open",
        target=target,
        path="",
        message="m",
        locations=(
            Location(
                role="decides", file="web.yaml", line=line, column=1, end_line=line, end_column=9
            ),
        ),
        evidence=(),
        remedy="",
        controls=(),
    )


def waiver(**changes):
    fields = {
        "policy": "network/default-deny",
        "by": "team-a",
        "until": "2027-01-31",
        "reason": "legacy",
        "source": "waivers.yaml",
        "target": {"namespace": "shop", "name": "web"},
    }
    return waivers.Waiver(**{**fields, **changes})


@pytest.mark.parametrize(
    ("changes", "state", "fact"),
    [
        ({}, "waived", "valid"),
        ({"until": "2026-11-23"}, "waived", "valid"),
        ({"until": "2026-11-22"}, "open", "expired"),
        ({"until": "soon"}, "open", "incomplete"),
        ({"by": ""}, "open", "incomplete"),
        ({"reason": ""}, "open", "incomplete"),
        ({"target": {"name": "other"}}, "open", "unused"),
        ({"policy": "network/other"}, "open", "unused"),
        ({"policy": "network/*"}, "waived", "valid"),
        ({"policy": "*"}, "open", "over-broad"),
        ({"target": {}}, "open", "over-broad"),
        ({"target": {"name": "*"}}, "open", "over-broad"),
        ({"target": {}, "file": "web.yaml", "line": 4}, "waived", "valid"),
        ({"target": {}, "file": "web.yaml", "line": 3}, "waived", "valid"),
        ({"target": {}, "file": "web.yaml", "line": 5}, "open", "unused"),
        ({"target": {}, "file": "web.yaml", "line": 4, "policy": "*"}, "open", "over-broad"),
    ],
)
def test_a_waiver(changes, state, fact):
    outcome = waivers.apply([finding()], [waiver(**changes)], TODAY)
    assert [f.state for f in outcome.findings] == [state]
    assert [w.state for w in outcome.facts.waivers] == [fact]


def test_annotations_and_comments_are_waivers():
    text = (
        "kind: Deployment\n"
        "spec:\n"
        "  # kguard: ignore[network/default-deny] until=2027-01-31 by=team-a old and leaving\n"
        "  replicas: 1\n"
    )
    value = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "annotations": {
                "ignore.kguard.dev/mtls.port-not-strict": "until=2027-01-31; by=b; reason=r r"
            }
        },
    }
    source = SourceText("web.yaml", 0, 1, text)
    manifest = Manifest(value, source, "", "apps/v1", "Deployment", "shop", "web", "x")
    annotation, comment = waivers.inline(Collected(), [manifest])
    assert (annotation.policy, annotation.reason) == ("mtls/port-not-strict", "r r")
    assert (comment.policy, comment.line, comment.reason) == (
        "network/default-deny",
        3,
        "old and leaving",
    )
    assert comment.covers(finding(line=4))
    assert not comment.covers(finding(line=5))
    assert annotation.covers(finding("mtls/port-not-strict"))


def test_a_waivers_file(tmp_path):
    path = tmp_path / "waivers.yaml"
    path.write_text(
        "waivers:\n- policy: network/default-deny\n  by: a\n  until: 2027-01-31\n"
        "  reason: r\n  target: {namespace: shop, name: web}\n"
    )
    (found,) = waivers.read(path)
    assert found.until == "2027-01-31"
    assert found.covers(finding())


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("waivers: {}\n", "1:10"),
        ("waivers:\n- {policy: p}\n", "2:3"),
        ("waivers:\n- {policy: p, by: a, until: 2027-01-01, reason: r, target: {l: x}}\n", "2:60"),
        ("waivers: [\n", "2:1"),
    ],
)
def test_a_wrong_waivers_file_is_an_error_with_its_place(tmp_path, text, place):
    path = tmp_path / "waivers.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        waivers.read(path)
    assert caught.value.where == f"{path}:{place}"


def test_a_comment_counts_on_a_deciding_line_only():
    related = Location(role="related", file="web.yaml", line=4, column=1, end_line=4, end_column=9)
    shown = msgspec.structs.replace(finding(line=9), locations=(related,))
    comment = waiver(target={}, file="web.yaml", line=4)
    outcome = waivers.apply([shown], [comment], TODAY)
    assert [f.state for f in outcome.findings] == ["open"]
