# SPDX-License-Identifier: Apache-2.0
"""Is a change for the worse seen as one?"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import yaml

from kguard.inventory import build
from kguard.layers.audit import LAYER
from kguard.model.layer import Request
from kguard.model.manifests import Collected, Manifest, SourceText

KUBEADM = """
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
kubernetesVersion: v1.36.3
apiServer:
  extraArgs:
  - {name: audit-policy-file, value: /etc/kubernetes/audit/policy.yaml}
  - {name: audit-log-path, value: /var/log/audit/audit.log}
  - {name: audit-log-maxage, value: "40"}
  extraVolumes:
  - {name: a, hostPath: /etc/kubernetes/audit, mountPath: /etc/kubernetes/audit}
  - {name: b, hostPath: /var/log/audit, mountPath: /var/log/audit}
"""
POLICY = """
apiVersion: audit.k8s.io/v1
kind: Policy
rules:
- level: Metadata
"""


def facts(**files):
    manifests = [
        Manifest(yaml.safe_load(text), SourceText(f"{name}.yaml", 0, 1, text))
        for name, text in files.items()
    ]
    request = Request(scope="app", at=datetime(2026, 1, 1, tzinfo=UTC))
    return LAYER.facts(build(Collected(manifests=manifests)), request)


def _texts(changes):
    return [change.text for change in changes]


def test_nothing_changes():
    one = facts(kubeadm=KUBEADM, policy=POLICY)
    compared = LAYER.compare(one, one)
    assert (compared.weaker, compared.stronger) == ((), ())


def test_recording_ends():
    before = facts(kubeadm=KUBEADM, policy=POLICY)
    after = facts(kubeadm=KUBEADM.replace("audit-log-path", "profiling"), policy=POLICY)
    assert "recording is off instead of on" in _texts(LAYER.compare(before, after).weaker)
    assert "recording is on instead of off" in _texts(LAYER.compare(after, before).stronger)


def test_an_exception_hides_something():
    hidden = POLICY.replace("rules:\n", "rules:\n- level: None\n  users: [jane]\n")
    before = facts(kubeadm=KUBEADM, policy=POLICY)
    after = facts(kubeadm=KUBEADM, policy=hidden)
    weaker = _texts(LAYER.compare(before, after).weaker)
    assert "reads of secrets: recorded at None instead of Metadata" in weaker
    assert LAYER.compare(after, before).weaker == ()


def test_more_than_the_floor_is_not_counted_but_content_is():
    full = POLICY.replace("Metadata", "RequestResponse")
    compared = LAYER.compare(facts(policy=POLICY), facts(policy=full))
    assert "the content of secrets gets into the log" in _texts(compared.weaker)
    assert "reads of secrets" not in " ".join(_texts(compared.stronger))


def test_noise_that_was_dropped_counts_against_a_change():
    dropped = """rules:
- level: None
  userGroups: [system:nodes]
  namespaces: [kube-node-lease]
  resources: [{group: coordination.k8s.io, resources: [leases]}]
"""
    quiet = POLICY.replace("rules:\n", dropped)
    weaker = _texts(LAYER.compare(facts(policy=quiet), facts(policy=POLICY)).weaker)
    assert weaker == ["heartbeats of nodes: recorded at Metadata, and nobody misses them"]
    assert LAYER.compare(facts(policy=POLICY), facts(policy=quiet)).weaker == ()
    hidden = quiet.replace("Metadata", "None")
    assert LAYER.compare(facts(policy=hidden), facts(policy=POLICY)).weaker == ()


@pytest.mark.parametrize(("value", "weaker"), [("35", False), ("20", True), ("0", False)])
def test_retention_counts_up_to_what_the_benchmark_asks(value, weaker):
    before = facts(kubeadm=KUBEADM, policy=POLICY)
    after = facts(kubeadm=KUBEADM.replace('"40"', f'"{value}"'), policy=POLICY)
    assert bool(LAYER.compare(before, after).weaker) == weaker


def test_coverage_counts_servers_or_policies():
    assert LAYER.coverage(facts(policy=POLICY)).subject == "audit policies"
    assert LAYER.coverage(facts(kubeadm=KUBEADM)).state == "unknown"
    assert LAYER.coverage(facts(kubeadm=KUBEADM, policy=POLICY)).state == "evaluated"
    assert LAYER.coverage(facts()).state == "no_evidence"
