# SPDX-License-Identifier: Apache-2.0
"""Does a real API server start with what `kguard fix` wrote, and record what the proof says?"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from kguard.layers.audit.semantics.coverage import cover
from kguard.layers.audit.semantics.families import FAMILIES
from kguard.layers.audit.semantics.policy import LEVELS
from kguard.layers.audit.semantics.requests import attributes
from kguard.layers.audit.semantics.universe import region_of, space_of
from tests.conformance.audit import server
from tests.e2e import live

pytestmark = pytest.mark.testbed("etcd", "kube-apiserver", "kubectl")

_POD = """apiVersion: v1
kind: Pod
metadata:
  name: kube-apiserver
  namespace: kube-system
spec:
  containers:
  - name: kube-apiserver
    image: registry.k8s.io/kube-apiserver:v1.36.3
    command:
    - kube-apiserver
    - --authorization-mode=Node,RBAC
"""
_AUDITED = """    - --audit-policy-file=/etc/kubernetes/audit/audit-policy.yaml
    - --audit-log-path=/var/log/kubernetes/audit/audit.log
    volumeMounts:
    - {name: policy, mountPath: /etc/kubernetes/audit, readOnly: true}
    - {name: log, mountPath: /var/log/kubernetes/audit}
  volumes:
  - {name: policy, hostPath: {path: /etc/kubernetes/audit}}
  - {name: log, hostPath: {path: /var/log/kubernetes/audit}}
"""
_KUBEADM = """apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
kubernetesVersion: v1.36.3
apiServer:
  extraArgs:
  - name: profiling
    value: "false"
"""
_HOLES = """apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived, ResponseStarted]
rules:
- level: None
  userGroups: ["system:serviceaccounts:default"]
- level: Metadata
  verbs: [create, update, patch, delete]
"""
_MESH = (
    "apiVersion: security.istio.io/v1\nkind: PeerAuthentication\n"
    "metadata: {name: default, namespace: shop}\nspec: {mtls: {mode: STRICT}}\n"
)
INPUTS = {
    "pod": {"kube-apiserver.yaml": _POD, "mesh.yaml": _MESH},
    "kubeadm": {"kubeadm.yaml": _KUBEADM, "mesh.yaml": _MESH},
    "holes": {
        "kube-apiserver.yaml": _POD + _AUDITED,
        "audit-policy.yaml": _HOLES,
        "mesh.yaml": _MESH,
    },
}
POLICY = "audit-policy.yaml"


@pytest.mark.parametrize("which", INPUTS)
def test_the_server_records_what_the_proof_says(which, testbed, tmp_path, kguard):
    given, made = tmp_path / "in", tmp_path / "made"
    given.mkdir()
    for name, text in INPUTS[which].items():
        (given / name).write_text(text)
    done = kguard("fix", given, "--layer", "audit", "--in-place", "--out", made)
    assert done.returncode == 0, done.stderr
    proof = json.loads((made / "proof.json").read_text())
    assert proof["closes"]
    text = next(f for f in (given / POLICY, made / POLICY) if f.is_file()).read_text()
    flags = _flags(given, tmp_path)
    assert f"--audit-log-path={tmp_path / 'audit.log'}" in flags
    (tmp_path / POLICY).write_text(text)
    with live.running(testbed, tmp_path, "", tuple(flags)) as cluster:
        live.define(cluster, tmp_path, server.KINDS)
        answers = list(server.answers(cluster, tmp_path))
    policy = server.policy_of(text)
    assert [p for a in answers for p in [server.compared(policy, a)] if p[0] != p[1]] == []
    assert server.HIDDEN not in cluster.audit_log.read_text()
    _holds(policy, answers)


def _flags(folder: Path, place: Path) -> list[str]:
    """The audit flags of the mended configuration, with the paths of this test."""
    words = []
    for path in folder.glob("kube*.yaml"):
        value = yaml.safe_load(path.read_text())
        if value["kind"] == "Pod":
            words = value["spec"]["containers"][0]["command"][1:]
        else:
            entries = value["apiServer"]["extraArgs"]
            words = [f"--{entry['name']}={entry['value']}" for entry in entries]
    chosen = [word for word in words if word.startswith("--audit-")]
    for folder_of_node in ("/etc/kubernetes/audit", "/var/log/kubernetes/audit"):
        chosen = [word.replace(folder_of_node, str(place)) for word in chosen]
    return chosen


def _holds(policy, answers):
    """Every request of a family without a hole is there, at the level that the family needs."""
    space = space_of(policy)
    covered = {f.family.id for f in cover(policy).families if not f.holes}
    assert {"writes", "connections", "secret_reads", "failed_logins", "istio_objects"} <= covered
    seen = 0
    for family in (family for family in FAMILIES if family.id in covered):
        region = region_of(space, family)
        for answer in answers:
            if any(space.holds(box, _request(answer)) for box in region):
                levels = [LEVELS.index(event["level"]) for event in answer["events"]]
                assert levels, (family.id, answer)
                assert max(levels) >= LEVELS.index(family.floor), (family.id, answer)
                seen += 1
    assert seen > 100


def _request(answer):
    user, groups = server.PEOPLE[answer["person"]]
    if "timeout=bogus" in answer["path"]:
        user, groups = None, ()
    return attributes(answer["method"], answer["path"], user, groups)
