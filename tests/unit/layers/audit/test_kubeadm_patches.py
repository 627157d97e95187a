# SPDX-License-Identifier: Apache-2.0
"""Do patches change what the API server is started with, and is an unclear one no pass?"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from kguard.inventory import build
from kguard.layers.audit import LAYER
from kguard.layers.audit.facts import configurations
from kguard.layers.audit.semantics.flags import effective
from kguard.model.layer import Request
from kguard.model.manifests import Collected, Manifest, PlainDocument, SourceText

HEAD = {"apiVersion": "kubeadm.k8s.io/v1beta4"}
INIT = {**HEAD, "kind": "InitConfiguration", "patches": {"directory": "/etc/patches/"}}
CLUSTER = {
    **HEAD,
    "kind": "ClusterConfiguration",
    "apiServer": {"extraArgs": [{"name": "audit-log-path", "value": "/a/a.log"}]},
}
COMMAND = "/spec/containers/0/command"
ADDED = {"op": "add", "path": f"{COMMAND}/-", "value": "--audit-log-mode=batch"}


def _inventory(files, objects=(INIT, CLUSTER)):
    return build(
        Collected(
            manifests=[
                Manifest(o, SourceText(f"in/{n}.yaml", 0, 1, "")) for n, o in enumerate(objects)
            ],
            documents=[PlainDocument(v, SourceText(f"in/{f}", 0, 1, "")) for f, v in files.items()],
        )
    )


def _found(files, objects=(INIT, CLUSTER)):
    (found,) = configurations(_inventory(files, objects))
    flags = {name: flag.value for name, flag in effective(found.flags).items()}
    return flags, found


def _container(**fields):
    return {"spec": {"containers": [{"name": "kube-apiserver", **fields}]}}


@pytest.mark.parametrize(
    ("name", "patch", "expected"),
    [
        ("kube-apiserver.yaml", _container(args=["--audit-log-mode=batch"]), "batch at /a/a.log"),
        ("kube-apiserver+merge.json", _container(command=["kube-apiserver"]), "no log"),
        ("kube-apiserver+strategic.yaml", _container(command=["x", "--audit-log-path=/b"]), "/b"),
        (
            "kube-apiserver9+json.yaml",
            [{"op": "add", "path": f"{COMMAND}/-", "value": "--x"}],
            "/a",
        ),
        ("etcd.yaml", _container(command=["etcd"]), "/a/a.log"),
        ("kube-apiserver.txt", _container(command=["etcd"]), "/a/a.log"),
    ],
)
def test_what_the_server_is_started_with(name, patch, expected):
    flags, found = _found({f"patches/{name}": patch})
    log, mode = flags.get("audit-log-path"), flags.get("audit-log-mode")
    told = f"{mode} at {log}" if mode else (log or "no log")
    assert told.startswith(expected)
    assert found.unsure == ""


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({}, "which is not in the input"),
        ({"elsewhere/kube-apiserver.yaml": _container(args=[])}, "which is not in the input"),
        ({"patches/kube-apiserver.yaml": ["x"]}, "cannot be read"),
        ({"patches/kube-apiserver+json.yaml": {}}, "cannot be read"),
        ({"patches/kube-apiserver+json.yaml": [{"op": "remove", "path": f"{COMMAND}/4"}]}, "place"),
    ],
)
def test_what_is_not_known_is_not_guessed(files, reason):
    assert reason in _found(files)[1].unsure
    at = datetime(2026, 1, 1, tzinfo=UTC)
    (server,) = LAYER.facts(_inventory(files), Request(scope="app", at=at)).servers
    assert server.recording == "unknown"


def test_mounts_of_patches():
    mount, volume = {"name": "v", "mountPath": "/m"}, {"name": "v", "hostPath": {"path": "/host"}}
    merged = _container(volumeMounts=[mount])
    merged["spec"]["volumes"] = [volume]
    steps = [
        {"op": "add", "path": "/spec/containers/0/volumeMounts/-", "value": mount},
        {"op": "add", "path": "/spec/volumes/0", "value": volume},
    ]
    for name, patch in (("kube-apiserver.yaml", merged), ("kube-apiserver+json.yaml", steps)):
        mounts = _found({f"patches/{name}": patch})[1].mounts
        assert [(m.source, m.kind) for m in mounts if m.path == "/m"] == [("/host", "host")]
        assert len(mounts) > 1
    alone = _found({"patches/kube-apiserver+merge.yaml": _container(volumeMounts=[mount])})[1]
    assert [(m.path, m.kind) for m in alone.mounts] == [("/m", "unknown")]


def test_a_patch_that_looks_like_a_pod_is_none():
    pod = {"apiVersion": "v1", "kind": "Pod", **_container(command=["kube-apiserver", "--x"])}
    collected = Collected(
        manifests=[
            Manifest(INIT, SourceText("a.yaml", 0, 1, "")),
            Manifest(CLUSTER, SourceText("b.yaml", 0, 1, "")),
            Manifest(pod, SourceText("patches/kube-apiserver.yaml", 0, 1, "")),
        ]
    )
    (found,) = configurations(build(collected))
    assert (found.how, found.patches) == ("kubeadm", ("kube-apiserver.yaml",))
    assert "audit-log-path" not in effective(found.flags)


def test_cluster_api_brings_its_patches_along():
    text = "spec: {containers: [{name: kube-apiserver, args: [--audit-log-path=/c]}]}"
    spec = {
        "initConfiguration": {"patches": {"directory": "/p"}},
        "files": [{"path": "/p/kube-apiserver.yaml", "content": text}],
    }
    control_plane = {
        "apiVersion": "controlplane.cluster.x-k8s.io/v1beta1",
        "kind": "KubeadmControlPlane",
        "metadata": {"name": "c"},
        "spec": {"kubeadmConfigSpec": spec},
    }
    assert _found({}, [control_plane])[0] == {"audit-log-path": "/c"}
    spec["files"] = []
    assert "which is not in the input" in _found({}, [control_plane])[1].unsure
