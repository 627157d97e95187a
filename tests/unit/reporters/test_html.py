# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import re
from html.parser import HTMLParser

import msgspec
import pytest

from kguard.reporters import Settings, render
from kguard.reporters.html import network
from tests.unit.reporters import reports

VOID = {"meta", "link", "br", "img", "input", "hr"}


class Outline(HTMLParser):
    """Tags with attributes, ids, links, and whether every tag is closed."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.ids, self.links, self.open = [], [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.tags.append((tag, given))
        self.ids += [given["id"]] if "id" in given else []
        self.links += [given["href"]] if "href" in given else []
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def drawn():
    return msgspec.structs.replace(reports.full(), facts=reports.facts())


def html(report, **settings):
    return render("html", report, Settings(**settings))


@pytest.mark.parametrize("make", [reports.full, reports.hostile, reports.report, drawn])
def test_well_formed_without_script_and_with_a_policy(make):
    text = html(make())
    outline = Outline(text)
    assert outline.open == []
    assert text.startswith("<!doctype html>")
    names = {tag for tag, _ in outline.tags}
    assert not names & {"script", "iframe", "object", "embed", "link", "img", "form"}
    assert not [key for _, given in outline.tags for key in given if key.startswith("on")]
    assert "default-src 'none'" in text
    assert len(outline.ids) == len(set(outline.ids))
    assert [
        link for link in outline.links if link.startswith("#") and link[1:] not in outline.ids
    ] == []


def test_every_finding_has_its_place():
    report = drawn()
    ids = set(Outline(html(report)).ids)
    assert {f"finding-{finding.fingerprint}" for finding in report.findings} <= ids


def test_five_tiles_with_counts_and_share():
    text = html(drawn())
    assert text.count('<li class="tile ') == 5
    assert '<span class="severity high">9 high</span>' in text
    assert "11 of 14 workloads; 3 not in the mesh" in text
    assert 'class="tile no_evidence"' in text


def test_the_worst_come_first_with_their_remedies():
    text = html(drawn())
    top = text[text.index('id="top"') : text.index('id="network"')]
    assert top.index("can open redis:6379") < top.index("can open app-0:6379")
    assert "and 8 more like this" in top
    assert "kguard fix deploy/ --policy network/open-to-cluster" in top


def test_what_was_not_evaluated_and_what_is_accepted_are_told():
    text = html(drawn())
    assert "deploy/broken.yaml:31:7: found a tab" in text
    assert "charts/web: a Helm chart" in text
    assert '<td role="cell" data-label="by">team-a</td>' in text


def test_layers_show_their_facts():
    text = html(drawn())
    assert "8443: permissive" in text
    assert "system:serviceaccount:x:y creates a role (rule 2)" in text
    assert "6 of 6 enabled, 5 dead" in text
    assert "any pod: 6379/TCP" in text


def test_tables_keep_their_meaning_for_screen_readers():
    for tag, given in Outline(html(drawn())).tags:
        if tag in ("table", "tr", "td", "th", "thead", "tbody"):
            assert "role" in given
        if tag == "svg":
            assert given["role"] == "img"
            assert given["aria-labelledby"]


def test_hostile_text_stays_text():
    facts = reports.facts()
    facts["network"]["workloads"][0]["ref"]["name"] = reports.HOSTILE
    facts["network"]["flows"][0]["source"] = reports.HOSTILE
    facts["images"]["uses"][0]["image"] = reports.HOSTILE
    text = html(msgspec.structs.replace(reports.hostile(), facts=facts))
    assert "<script" not in text
    assert not re.search("[\x00-\x08\x0b-\x1f\u202e]", text)
    assert Outline(text).open == []


def test_too_many_workloads_are_listed_but_not_drawn(monkeypatch):
    monkeypatch.setattr(network, "MAX_DRAWN", 3)
    text = html(drawn())
    assert "<svg" not in text
    assert "too many to draw" in text


@pytest.mark.parametrize("junk", [None, 1, "x", [], {}, [1, None, {}], {"a": 1}])
def test_facts_of_another_shape_do_not_break_the_page(junk):
    facts = {
        "network": {"workloads": junk, "flows": junk},
        "mtls": {"workloads": [{"modes": junk, "ref": junk}]},
        "images": {"uses": [{"ref": junk}]},
        "audit": {"servers": junk, "policies": [{"families": junk}]},
        "runtime": {"installations": junk, "nodes": junk, "detections": junk},
    }
    assert Outline(html(msgspec.structs.replace(reports.full(), facts=facts))).open == []


def test_same_report_same_bytes():
    assert html(drawn()) == html(drawn())


def test_workloads_of_linkerd_are_in_the_matrix():
    ref = {"kind": "Deployment", "namespace": "shop", "name": "cart"}
    modes = [
        {"ports": ["8080"], "accepts": "authenticated", "decided_by": "Server shop/cart"},
        {"ports": ["other"], "accepts": "unauthenticated", "decided_by": "default policy audit"},
    ]
    outside = {"ref": ref, "plane": "none", "reason": "not_labelled", "modes": []}
    facts = {
        "mtls": {
            "workloads": [outside],
            "linkerd": [{"ref": ref, "meshed": "yes", "modes": modes}],
        }
    }
    text = html(msgspec.structs.replace(reports.full(), facts=facts))
    matrix = text[text.index('<h2 id="mtls">') :]
    matrix = matrix[: matrix.index("</section>")]
    assert matrix.count("Deployment shop/cart") == 1
    assert "8080: strict" in matrix
    assert "other: permissive" in matrix
    assert "Server shop/cart" in matrix
