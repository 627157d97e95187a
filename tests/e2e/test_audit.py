# SPDX-License-Identifier: Apache-2.0
"""Does a real API server start with the policies that kguard writes, and record as predicted?"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest

from kguard.inventory import build
from kguard.layers.audit.facts.served import served
from kguard.layers.audit.semantics.replay import Event, Replay
from kguard.layers.audit.semantics.resources import catalogue
from kguard.layers.audit.semantics.version import Version
from kguard.sources.cluster import read
from tests.conformance.audit import server
from tests.e2e import live

pytestmark = pytest.mark.testbed("etcd", "kube-apiserver", "kubectl")

_EVENT = msgspec.json.Decoder(Event)
_ALL = os.environ.get("KGUARD_AUDIT_POLICIES") == "all"
POLICIES = [*server.POLICIES] if _ALL else ["recommended", "odd", "random 4, mended"]
"""Each needs a server of its own. What it wrote under the others is recorded, and compared by
`tests/conformance/audit`; `make conformance-full` asks it anew."""


@pytest.mark.parametrize("which", POLICIES)
def test_the_server_records_as_predicted(which, testbed, tmp_path):
    text = server.POLICIES[which]()
    policy = server.policy_of(text)
    with live.running(testbed, tmp_path, text) as cluster:
        live.define(cluster, tmp_path, server.KINDS)
        answers = list(server.answers(cluster, tmp_path))
    points = [server.compared(policy, answer) for answer in answers]
    assert [point for point in points if point[0] != point[1]] == []
    assert len(answers) == len(server.PEOPLE) * len(server.REQUESTS)
    assert _contradictions(policy, cluster.audit_log) == []
    if which in server.CLEAN:
        assert server.HIDDEN not in cluster.audit_log.read_text()


def _contradictions(policy, log: Path):
    """Also of what the server does on its own behalf."""
    held = Replay(policy)
    lines = log.read_bytes().splitlines()
    return [found for line in lines if (found := held.feed(_EVENT.decode(line))) is not None]


GATED = {"clustertrustbundles", "podcertificaterequests", "podgroups", "workloads"} | {
    "storageversionmigrations"
}


def test_the_catalogue_is_what_the_server_serves(testbed, tmp_path, monkeypatch):
    """With every API switched on; what needs a feature gate as well is not served."""
    with live.running(testbed, tmp_path, options=("--runtime-config=api/all=true",)) as cluster:
        monkeypatch.setenv("KUBECONFIG", str(cluster.kubeconfig))
        inventory = build(read("admin"))
    found = served(inventory, "", None)
    known = catalogue(Version(1, 36)).resources
    assert found.live
    assert set(found.resources) <= set(known)
    assert {r.resource for r in set(known) - set(found.resources)} == GATED
