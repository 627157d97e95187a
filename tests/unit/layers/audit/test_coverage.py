# SPDX-License-Identifier: Apache-2.0
"""Does coverage see what escapes, and only that?"""

from __future__ import annotations

import pytest
import yaml

from kguard.layers.audit.semantics import region
from kguard.layers.audit.semantics.coverage import cover, unreachable_rules
from kguard.layers.audit.semantics.families import FAMILIES
from kguard.layers.audit.semantics.loading import load
from kguard.layers.audit.semantics.resources import Entry, catalogue, told
from kguard.layers.audit.semantics.version import Version


def _policy(text):
    loaded = load({"apiVersion": "audit.k8s.io/v1", **yaml.safe_load(text)}, Version(1, 36))
    assert loaded.state == "valid"
    return loaded.policy


def _holes(text):
    coverage = cover(_policy(text))
    return {f.family.id: [hole.rule for hole in f.holes] for f in coverage.families if f.holes}


def _excesses(text):
    return {f.limit.id for f in cover(_policy(text)).limits if f.excesses}


BODIES = {"access_control", "cluster_control", "istio_objects", "knative_objects",
          "image_policies", "falco_objects"}  # fmt: skip


def test_metadata_for_everything_lacks_bodies_only():
    assert set(_holes("rules: [{level: Metadata}]")) == BODIES


def test_failed_logins_need_the_stage_that_alone_records_them():
    text = "omitStages: [{}]\nrules: [{{level: RequestResponse}}]"
    assert set(_holes(text.format("ResponseStarted"))) == {"failed_logins"}
    assert _holes(text.format("RequestReceived")) == {}
    without_end = set(_holes(text.format("ResponseComplete")))
    assert "writes" in without_end
    assert not without_end & {"failed_logins", "connections", "proxies"}


def test_failed_logins_carry_no_group():
    text = "rules: [{level: None, userGroups: ['system:unauthenticated']}, {level: Request}]"
    assert "failed_logins" not in _holes(text)
    assert "failed_logins" in _holes("rules: [{level: None, verbs: [get]}, {level: Request}]")


def test_sessions_are_opened_by_get_too():
    entry = "resources: [{group: '', resources: ['*/exec', '*/attach', '*/portforward']}]"
    text = f"rules: [{{level: None, verbs: [get], {entry}}}, {{level: Request}}]"
    assert set(_holes(text)) & {"connections", "writes"} == {"connections"}


def test_exact_noise_may_be_dropped_and_more_may_not():
    entry = "{group: coordination.k8s.io, resources: [leases]}"
    lease = f"namespaces: [kube-node-lease], resources: [{entry}]"
    allowed = f"{{level: None, userGroups: ['system:nodes'], {lease}}}"
    everybody = f"{{level: None, {lease}}}"
    events = "{level: None, resources: [{group: '', resources: [events]}]}"
    assert "writes" not in _holes(f"rules: [{allowed}, {events}, {{level: Metadata}}]")
    assert _holes(f"rules: [{everybody}, {{level: Metadata}}]")["writes"] == [0]


def test_what_no_rule_matches_is_a_hole_of_no_rule():
    verbs = "verbs: [create, update, patch, delete]"
    coverage = cover(_policy(f"rules: [{{level: Metadata, {verbs}}}]"))
    (hole,) = coverage.families[0].holes
    assert (hole.rule, hole.witness.verb) == (-1, "deletecollection")


def test_service_accounts_are_authenticated():
    text = "rules: [{level: Request, userGroups: ['system:authenticated']}, {level: None}]"
    hole = next(f for f in cover(_policy(text)).families if f.family.id == "writes").holes[0]
    assert hole.witness.user == "system:anonymous"


@pytest.mark.parametrize(
    ("level", "verbs", "expected"),
    [
        ("Metadata", "[create, get]", set()),
        ("Request", "[get]", set()),
        ("Request", "[create]", {"secret_bodies", "configmap_bodies"}),
        ("RequestResponse", "[deletecollection]", {"secret_bodies", "configmap_bodies"}),
    ],
)
def test_content_in_the_log(level, verbs, expected):
    entry = "resources: [{group: '', resources: [secrets, configmaps]}]"
    assert _excesses(f"rules: [{{level: {level}, verbs: {verbs}, {entry}}}]") == expected


def test_named_configmaps_of_the_mesh_may_be_logged():
    entry = "resources: [{group: '', resources: [configmaps], resourceNames: [istio]}]"
    assert _excesses(f"rules: [{{level: Request, namespaces: [istio-system], {entry}}}]") == set()
    assert _excesses(f"rules: [{{level: Request, namespaces: [shop], {entry}}}]")


def test_unreachable_rules():
    text = """
    rules:
    - {level: None, verbs: ["*"]}
    - {level: Metadata, users: [jane]}
    - {level: Metadata}
    - {level: Request, users: [jane]}
    - {level: None, nonResourceURLs: ["/healthz*"]}
    """
    assert unreachable_rules(_policy(text)) == {0: "never-matches", 3: "shadowed", 4: "shadowed"}


def test_a_policy_that_is_too_large_is_not_judged(monkeypatch):
    monkeypatch.setattr(region, "MAX_BOXES", 3)
    coverage = cover(_policy("rules: [{level: None, users: [jane], verbs: [get]}]"))
    writes = coverage.families[0]
    assert (writes.family.id, writes.level, writes.holes) == ("writes", "", ())
    assert unreachable_rules(_policy("rules: [{level: None, users: [a]}]")) == {}


def test_a_star_is_nobody():
    for field in ("users", "userGroups", "verbs", "namespaces"):
        text = f"rules: [{{level: None, {field}: ['*']}}, {{level: Metadata}}]"
        assert "writes" not in _holes(text)


def _lost(text, served):
    """Who escapes from `writes`, as group and resource, by rule."""
    found = next(f for f in cover(_policy(text), served=served).families if f.family.id == "writes")
    return {hole.rule: (hole.witness.api_group, hole.witness.resource) for hole in found.holes}


PODGROUPS = """
rules:
- {level: None, resources: [{group: scheduling.k8s.io, resources: [podgroups]}]}
- {level: None, resources: [{group: apps, resources: [gadgets]}]}
- {level: Metadata}
"""


def test_each_minor_has_its_own_resources():
    assert _lost(PODGROUPS, catalogue(Version(1, 35))) == {}
    assert _lost(PODGROUPS, catalogue(Version(1, 36))) == {0: ("scheduling.k8s.io", "podgroups")}


@pytest.mark.parametrize("version", [None, Version(1, 20), Version(1, 99)])
def test_of_an_unknown_version_anything_may_be_served(version):
    kinds = {0: ("scheduling.k8s.io", "podgroups"), 1: ("apps", "gadgets")}
    assert _lost(PODGROUPS, catalogue(version)) == kinds


def test_a_server_that_told_what_it_serves():
    own = [r for r in catalogue(Version(1, 36)).resources if r.resource != "podgroups"]
    names = {r: f"{r.resource}/{r.subresource}".rstrip("/") for r in own}
    entries = [Entry(r.group, name, r.namespaced, r.verbs) for r, name in names.items()]
    served = told([*entries, Entry("batch.example", "runs", True, frozenset({"create"}))])
    assert _lost(PODGROUPS, served) == {}
    assert _lost("rules: [{level: Metadata, resources: [{group: ''}]}]", served)[-1][0] == "apps"
    layers = {group for family in FAMILIES for group in family.groups}
    everything = [{"group": group} for group in sorted(served.groups | layers)]
    rest = {"rules": [{"level": "Metadata", "resources": everything}]}
    assert _lost(yaml.safe_dump(rest), served)[-1] == ("batch.example", "runs")
    asked = [("", "pods"), ("", "pod"), ("", "po*"), ("batch.example", "run"), ("new", "x")]
    assert [served.serves(*one) for one in asked] == [True, False, True, False, False]
    assert catalogue(Version(1, 36)).serves("batch.example", "run")


def test_what_is_no_resource_of_a_known_version():
    legacy = ("policy", "podsecuritypolicies")
    assert [catalogue(v).serves(*legacy) for v in (None, Version(1, 36))] == [True, False]
    assert not catalogue(None).serves("apps", "pods")
    assert catalogue(Version(1, 30)).serves("resource.k8s.io", "resourceclasses")
    assert not catalogue(Version(1, 31)).serves("resource.k8s.io", "resourceclasses")
