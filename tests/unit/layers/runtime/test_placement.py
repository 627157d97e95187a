# SPDX-License-Identifier: Apache-2.0
"""Does a node get a pod of a DaemonSet, and is the obstacle named?"""

from __future__ import annotations

import pytest

from kguard.layers.runtime.semantics.placement import Node, Taint, place

GPU = Taint("gpu", "true", "NoSchedule")
NODE = Node("n1", {"kubernetes.io/os": "linux", "size": "7"}, (GPU,))


def affinity(*expressions):
    term = {"matchExpressions": list(expressions)}
    required = {"nodeSelectorTerms": [term]}
    return {"affinity": {"nodeAffinity": {_REQUIRED: required}}}


_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"


def test_a_taint_keeps_pods_away_and_is_named():
    found = place({}, NODE)
    assert (found.runs, found.stays, found.obstacle) == (False, True, "taint")
    assert found.detail == "gpu=true:NoSchedule"


@pytest.mark.parametrize(
    ("toleration", "runs"),
    [
        ({"operator": "Exists"}, True),
        ({"key": "gpu", "operator": "Exists"}, True),
        ({"key": "gpu", "value": "true"}, True),
        ({"key": "gpu", "value": "true", "effect": "NoExecute"}, False),
        ({"key": "gpu", "value": "false"}, False),
        ({"key": "cpu", "operator": "Exists"}, False),
        ({"key": "gpu", "operator": "Gt", "value": "1"}, False),
    ],
)
def test_tolerations(toleration, runs):
    assert place({"tolerations": [toleration]}, NODE).runs is runs


def test_the_controller_adds_tolerations():
    node = Node("n", {}, (Taint("node.kubernetes.io/unschedulable", "", "NoSchedule"),))
    assert place({}, node).runs
    network = Node("n", {}, (Taint("node.kubernetes.io/network-unavailable", "", "NoSchedule"),))
    assert not place({}, network).runs
    assert place({"hostNetwork": True}, network).runs


def test_a_preference_against_a_node_does_not_count():
    assert place({}, Node("n", {}, (Taint("x", "", "PreferNoSchedule"),))).runs


@pytest.mark.parametrize(
    ("expression", "runs"),
    [
        ({"key": "size", "operator": "Gt", "values": ["6"]}, True),
        ({"key": "size", "operator": "Lt", "values": ["6"]}, False),
        ({"key": "zone", "operator": "NotIn", "values": ["a"]}, True),
        ({"key": "zone", "operator": "Exists"}, False),
        ({"key": "zone", "operator": "DoesNotExist"}, True),
    ],
)
def test_affinity(expression, runs):
    pod = {**affinity(expression), "tolerations": [{"operator": "Exists"}]}
    found = place(pod, NODE)
    assert found.runs is runs
    assert found.obstacle == ("none" if runs else "affinity")


def test_junk_is_no_crash():
    pod = {"tolerations": ["x", None], "nodeSelector": [], "affinity": "no", "nodeName": 7}
    assert not place(pod, NODE).runs
