# SPDX-License-Identifier: Apache-2.0
"""Are API servers found, and are hostile configurations survived?"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from kguard.inventory import build
from kguard.layers.audit import LAYER
from kguard.layers.audit.semantics.flags import Flag, effective, parse_arguments, retention
from kguard.layers.audit.semantics.version import Version
from kguard.model.layer import Request
from kguard.model.manifests import Collected, Manifest, PlainDocument, PlainFile, SourceText

REQUEST = Request(scope="app", at=datetime(2026, 1, 1, tzinfo=UTC))


def _facts(*objects, documents=(), scripts=()):
    collected = Collected(
        manifests=[
            Manifest(value, SourceText(f"{number}.yaml", 0, 1, ""))
            for number, value in enumerate(objects)
        ],
        documents=[PlainDocument(value, SourceText(file, 0, 1, "")) for file, value in documents],
        files=[PlainFile("run.sh", content) for content in scripts],
    )
    return LAYER.facts(build(collected), REQUEST)


PLATFORMS = [
    ("kops.k8s.io/v1alpha2", "Cluster", ("kubeAPIServer", "fileAssets")),
    ("core.gardener.cloud/v1beta1", "Shoot", ("kubernetes",)),
    ("config.openshift.io/v1", "APIServer", ("audit",)),
    ("provisioning.cattle.io/v1", "Cluster", ("rkeConfig",)),
    ("eks.services.k8s.aws/v1alpha1", "Cluster", ("logging",)),
    ("container.cnrm.cloud.google.com/v1beta1", "ContainerCluster", ("location",)),
    ("containerservice.azure.com/v1", "ManagedCluster", ("location",)),
    ("insights.azure.com/v1", "DiagnosticSetting", ("logs",)),
    ("iam.cnrm.cloud.google.com/v1beta1", "IAMAuditConfig", ("service", "auditLogConfigs")),
]
JUNK = [None, 5, "text", [], {}, [None, 5, {"name": 5}], {"a": None}, True]


@pytest.mark.parametrize("junk", JUNK, ids=repr)
def test_junk_is_survived(junk):
    kubeadm = {"apiVersion": "kubeadm.k8s.io/v1beta4", "kind": "ClusterConfiguration"}
    kind = {"apiVersion": "kind.x-k8s.io/v1alpha4", "kind": "Cluster"}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "kube-apiserver"}}
    container = {"image": "kube-apiserver:v1.36.0", "command": junk, "args": junk, "env": junk}
    objects = [
        {**kubeadm, "apiServer": junk},
        {**kubeadm, "apiServer": {"extraArgs": junk, "extraVolumes": junk}},
        {**kind, "nodes": junk, "kubeadmConfigPatches": junk},
        {**pod, "spec": {"containers": [{**container, "volumeMounts": junk}], "volumes": junk}},
        {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": junk},
        {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": [{"resources": junk}]},
        {"apiVersion": "controlplane.cluster.x-k8s.io/v1beta1", "kind": "KubeadmControlPlane",
         "spec": {"kubeadmConfigSpec": junk}},
    ]  # fmt: skip
    for version, kind_, field in PLATFORMS:
        head = {"apiVersion": version, "kind": kind_, "metadata": {"name": "x", "namespace": "n"}}
        objects += [{**head, "spec": junk}, {**head, "spec": dict.fromkeys(field, junk)}]
    rbac = {"apiVersion": "rbac.authorization.k8s.io/v1", "metadata": {"name": "x"}}
    admin = {"kind": "ClusterRole", "name": "cluster-admin"}
    objects += [
        {**rbac, "kind": "ClusterRole", "rules": junk},
        {**rbac, "kind": "ClusterRoleBinding", "roleRef": junk, "subjects": junk},
        {**rbac, "kind": "RoleBinding", "roleRef": admin, "subjects": junk},
    ]
    annotations = {"k3s.io/node-args": junk, "rke2.io/node-args": '["server", 5]'}
    node = {"apiVersion": "v1", "kind": "Node"}
    objects.append({**node, "metadata": {"name": "n", "annotations": annotations}})
    plain = [
        ("k3s/config.yaml", {"kube-apiserver-arg": junk, "profile": junk}),
        ("talos.yaml", {"machine": {"type": "controlplane"}, "cluster": {"apiServer": junk}}),
        ("stack.yaml", {"Resources": {"x": {"Type": "AWS::EKS::Cluster", "Properties": junk}}}),
        ("plan.json", {"planned_values": {"root_module": {"resources": junk}}}),
        ("plan2.json", {"planned_values": {"root_module": {"child_modules": junk}}}),
    ]
    found = _facts(*objects, documents=plain)
    assert found.presence == "present"
    assert len([policy for policy in found.policies if policy.origin == "object"]) >= 2


@pytest.mark.parametrize(
    ("script", "recording"),
    [
        ("kubeadm init --upload-certs", "off"),
        ("kubeadm init \\\n  --v 5", "off"),
        ("kubeadm init --config x.yaml", "unknown"),
        ("kubeadm init $ARGS", "unknown"),
        ("kubeadm init --patches dir", "unknown"),
        ("kubeadm init --token=$TOKEN", "off"),
        ("kubeadm init 'unclosed", "unknown"),
        ("kubeadm init\nsed -i s/x/y/ /etc/kubernetes/manifests/kube-apiserver.yaml", "unknown"),
    ],
)
def test_scripts(script, recording):
    (server,) = _facts(scripts=[script]).servers
    assert (server.how, server.recording) == ("script", recording)


@pytest.mark.parametrize(
    "script", ["# kubeadm init", "kubeadm init phase certs all", "kubeadm join"]
)
def test_scripts_that_start_no_server(script):
    assert _facts(scripts=[script]).presence == "absent"


def test_a_map_where_kubeadm_wants_a_list_is_not_trusted():
    (server,) = _facts(
        {
            "apiVersion": "kubeadm.k8s.io/v1beta4",
            "kind": "ClusterConfiguration",
            "apiServer": {"extraArgs": {"profiling": "false"}},
        }
    ).servers
    assert server.recording == "unknown"
    assert "refuses" in server.because[0].note


def test_policies_of_one_name_are_told_apart():
    policy = {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": [{"level": "None"}]}
    named = {**policy, "metadata": {"name": "same"}}
    other = {**policy, "metadata": {"name": "other"}}
    assert [found.name for found in _facts(named, other).policies] == ["other", "same"]
    assert [found.name for found in _facts(policy, policy).policies] == ["0.yaml", "1.yaml"]


def test_arguments():
    words = ["--audit_log_path", "/x", "--audit-log-compress", "--v=2", "--audit-log-path=/y"]
    found = effective(parse_arguments((word, "") for word in words))
    assert found["audit-log-path"].value == "/y"
    assert found["audit-log-compress"].value == "true"
    unknown = effective(parse_arguments([("--audit-log-path", "/a"), (None, "/a")]))
    assert unknown["audit-log-path"] == Flag("audit-log-path", None, "/a")


@pytest.mark.parametrize(
    ("flags", "version", "values"),
    [
        ({}, Version(1, 36), [366, 100, 100]),
        ({}, Version(1, 35), [0, 0, 100]),
        ({}, None, [None, None, None]),
        ({"audit-log-maxsize": "0"}, Version(1, 35), [0, 0, 100]),
        ({"audit-log-maxsize": "0"}, Version(1, 36), [366, 100, 0]),
        ({"audit-log-maxage": "x"}, Version(1, 36), [None, 100, 100]),
    ],
)
def test_retention(flags, version, values):
    given = {name: Flag(name, value) for name, value in flags.items()}
    assert [entry.value for entry in retention(given, version)] == values


KUBEADM = {
    "apiVersion": "kubeadm.k8s.io/v1beta3",
    "kind": "ClusterConfiguration",
    "apiServer": {
        "extraArgs": {"audit-policy-file": "/etc/kubernetes/a.yaml", "audit-log-path": "-"},
        "extraVolumes": [{"hostPath": "/etc/kubernetes", "mountPath": "/etc/kubernetes"}],
    },
}


def test_a_policy_file_without_its_api_version_keeps_the_server_down():
    found = _facts(KUBEADM, documents=[("a.yaml", {"rules": [{"level": "Metadata"}]})])
    assert (found.servers[0].policy, found.servers[0].recording) == ("invalid", "off")
    assert (
        found.policies[0].problems[0].text == "apiVersion is missing (it must be audit.k8s.io/v1)"
    )


def test_a_policy_file_without_its_kind_is_a_policy():
    policy = {"apiVersion": "audit.k8s.io/v1", "rules": [{"level": "Metadata"}]}
    found = _facts(KUBEADM, documents=[("a.yaml", policy)])
    assert (found.servers[0].policy, found.servers[0].recording) == ("valid", "on")


def test_two_files_of_the_policys_name_leave_it_unknown():
    policy = {"apiVersion": "audit.k8s.io/v1", "rules": [{"level": "Metadata"}]}
    found = _facts(KUBEADM, documents=[("dev/a.yaml", policy), ("prod/a.yaml", policy)])
    assert found.servers[0].policy == "unknown"
    beside = _facts(KUBEADM, documents=[("a.yaml", policy), ("prod/a.yaml", policy)])
    assert beside.servers[0].policy_name == "a.yaml"
    assert [one.name for one in found.policies] == ["dev/a.yaml", "prod/a.yaml"]


@pytest.mark.parametrize(
    ("flags", "causes"),
    [
        ({"audit-log-path": "/etc/kubernetes/log"}, []),
        ({"audit-log-path": "/tmp/log"}, ["log-not-kept"]),
        ({"audit-log-path": "/etc/kubernetes/l", "audit-log-mode": "batch"}, ["log-batch"]),
        ({"audit-webhook-config-file": "/etc/kubernetes/w"}, ["webhook-batch"]),
        ({"audit-webhook-config-file": "/x", "audit-webhook-mode": "blocking"}, []),
        ({"audit-webhook-config-file": "/x", "audit-log-path": "-"}, []),
        (
            {"audit-log-path": "-", "audit-log-truncate-enabled": "true"},
            ["truncated"],
        ),
    ],
)
def test_losses(flags, causes):
    server = {**KUBEADM["apiServer"], "extraArgs": flags}
    (found,) = _facts({**KUBEADM, "apiServer": server}).servers
    assert [loss.cause for loss in found.losses] == causes


_PODGROUPS = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "rules": [
        {"level": "None", "resources": [{"group": "scheduling.k8s.io", "resources": ["podgroups"]}]}
    ],
}


def _judged(kubernetes, *, page="", more=()):
    """The policy of an input with a version, with the discovery of a cluster or without."""
    collected = Collected(
        manifests=[
            Manifest(value, SourceText(f"{number}.yaml", 0, 1, ""))
            for number, value in enumerate((_PODGROUPS, *more))
        ],
        files=[PlainFile("/apis", page, "c")] if page else [],
        versions={"kubernetes": kubernetes},
    )
    return LAYER.facts(build(collected), REQUEST).policies[0]


def _lost(policy):
    writes = next(family for family in policy.families if family.id == "writes")
    return [hole.witness.text.partition(" in namespace")[0] for hole in writes.holes]


def test_the_server_s_version_decides_what_is_served():
    assert [_lost(_judged(v))[0] for v in ("1.35.1", "1.36.0")] == [
        "create pods",
        "create podgroups.scheduling.k8s.io",
    ]
    kinds = [lint.kind for lint in _judged("1.35.1").lints]
    assert kinds == ["never-matches", "not-served"]
    assert _judged("1.36.0").lints == []


def test_what_a_live_server_tells_comes_before_its_version():
    page = '[["","pods",true,["create"]],["scheduling.k8s.io","podgroups",true,["create"]]]'
    assert _lost(_judged("1.35.1", page=page))[0] == "create podgroups.scheduling.k8s.io"
    other = page.replace("podgroups", "others")
    lint = _judged("1.36.0", page=other).lints[-1]
    assert lint.text.startswith("the API server serves no podgroups in scheduling.k8s.io")


@pytest.mark.parametrize("page", ["{", "[5]", '[["","pods",true]]', '{"a": 1}'])
def test_a_spoiled_page_of_a_snapshot_leaves_the_list_of_the_version(page):
    found = _judged("1.36.0", page=page)
    assert _lost(found)[0] == "create podgroups.scheduling.k8s.io"
    assert found.lints == []
