# SPDX-License-Identifier: Apache-2.0
"""Does a live cluster's own word about what runs count, and do its pull secrets stay secret?

A real API server; the status of the pods is written as a kubelet would write it. The registry is
in this process and asks for a login, which only a pull secret of the cluster has.
"""

from __future__ import annotations

import base64
import gzip
import json

import pytest

from kguard.model.digests import digest_of
from tests.unit.layers.images.test_registries import IMAGE
from tests.unit.sources.registry.fake import FakeRegistry

NAMESPACE = "live-images"
OTHER = b'{"schemaVersion": 2, "config": {}, "layers": []}'


@pytest.fixture(scope="module")
def registry():
    found = FakeRegistry(login=("robot", "s3cret"))
    found.put(IMAGE, tag="1.0")
    found.put(OTHER)
    yield found
    found.close()


def _objects(registry):
    login = json.dumps({"auths": {registry.name: {"username": "robot", "password": "s3cret"}}})
    image = f"{registry.name}/shop/web:1.0"
    template = {
        "metadata": {"labels": {"app": "web"}},
        "spec": {"containers": [{"name": "web", "image": image}]},
    }
    selector = {"matchLabels": {"app": "web"}}
    yield "v1", "Namespace", {"name": NAMESPACE}, {}
    yield "v1", "ServiceAccount", _named("default"), {"imagePullSecrets": [{"name": "pull"}]}
    data = {".dockerconfigjson": base64.b64encode(login.encode()).decode()}
    kind = "kubernetes.io/dockerconfigjson"
    yield "v1", "Secret", _named("pull"), {"type": kind, "data": data}
    spec = {"selector": selector, "template": template}
    yield "apps/v1", "Deployment", _named("web"), {"spec": spec}


def _named(name, **more):
    return {"name": name, "namespace": NAMESPACE, **more}


def _write(cluster, folder, *objects):
    items = [
        {"apiVersion": version, "kind": kind, "metadata": metadata, **fields}
        for version, kind, metadata, fields in objects
    ]
    path = folder / "objects.json"
    path.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
    cluster.apply(path)


@pytest.fixture(scope="module")
def running(cluster, registry, tmp_path_factory):
    """A Deployment with a ReplicaSet and a pod that runs what its tag does not name any more."""
    folder = tmp_path_factory.mktemp("objects")
    objects = list(_objects(registry))
    _write(cluster, folder, *objects)
    _, _, _, deployment = objects[-1]
    owner = _owner(cluster, "apps/v1", "Deployment", "web")
    replicas = _named("web-1", ownerReferences=[owner])
    _write(cluster, folder, ("apps/v1", "ReplicaSet", replicas, deployment))
    spec = deployment["spec"]["template"]["spec"]
    owner = _owner(cluster, "apps/v1", "ReplicaSet", "web-1")
    sidecar = {"name": "proxy", "image": f"{registry.name}/mesh/proxy:2"}
    pod = {"spec": {**spec, "containers": [*spec["containers"], sidecar]}}
    _write(cluster, folder, ("v1", "Pod", _named("web-1-a", ownerReferences=[owner]), pod))
    ids = {"web": "mirror.test/copy@" + digest_of(OTHER), "proxy": "sha256:" + "0" * 64}
    statuses = [
        {"name": name, "imageID": text, "image": "x", "ready": True, "restartCount": 0}
        for name, text in ids.items()
    ]
    status = {"status": {"phase": "Running", "containerStatuses": statuses}}
    cluster.run(
        *("patch", "pod", "web-1-a", "-n", NAMESPACE, "--subresource=status"),
        *("--type=merge", "-p", json.dumps(status)),
    )
    return cluster


def _owner(cluster, version, kind, name):
    uid = cluster.run("get", kind, name, "-n", NAMESPACE, "-o", "jsonpath={.metadata.uid}")
    return {"apiVersion": version, "kind": kind, "name": name, "uid": uid, "controller": True}


def _rows(kguard, checkout, running, tmp_path, *arguments):
    home = {"KUBECONFIG": str(running.kubeconfig), "HOME": str(tmp_path)}
    done = kguard(
        *("images", "list", "--context", "admin", "--no-cache", "-o", "json", *arguments),
        cwd=checkout,
        env=home,
    )
    rows = [row for row in json.loads(done.stdout) if f"{NAMESPACE}/web" in row["workloads"][0]]
    return {row["image"].rpartition("/")[2]: row for row in rows}


def test_the_status_says_what_runs(kguard, checkout, running, tmp_path):
    rows = _rows(kguard, checkout, running, tmp_path)
    assert {name: (row["how"], row["class"]) for name, row in rows.items()} == {
        "web:1.0": ("pod_status", "not_evaluated"),
        "proxy:2": ("pod_config", "unresolvable"),
    }
    assert rows["web:1.0"]["digest"] == digest_of(OTHER)


@pytest.mark.parametrize(
    ("arguments", "signature"), [((), "unknown_auth"), (("--read-secrets",), "unsigned")]
)
def test_pull_secrets_are_used_only_on_request(
    kguard, checkout, running, tmp_path, arguments, signature
):
    rows = _rows(kguard, checkout, running, tmp_path, "--registry", *arguments)
    assert rows["web:1.0"]["class"] == signature


def test_a_tag_that_was_moved_is_found(kguard, checkout, running, tmp_path):
    home = {"KUBECONFIG": str(running.kubeconfig), "HOME": str(tmp_path)}
    done = kguard(
        *("scan", "--context", "admin", "--no-cache", "--registry", "--read-secrets"),
        *("--policy", "images/tag-moved", "-o", "json", "--quiet"),
        cwd=checkout,
        env=home,
    )
    targets = [finding["target"]["name"] for finding in json.loads(done.stdout)["findings"]]
    assert targets == ["web"]
    assert "s3cret" not in done.stdout + done.stderr


def test_the_login_is_in_no_snapshot(kguard, checkout, running, tmp_path):
    out = tmp_path / "snapshot.gz"
    home = {"KUBECONFIG": str(running.kubeconfig), "HOME": str(tmp_path)}
    kguard(*("snapshot", "--context", "admin", "--read-secrets", "-o", out), cwd=checkout, env=home)
    text = gzip.decompress(out.read_bytes()).decode()
    assert f'"{NAMESPACE}"' in text
    assert '"name":"pull"' in text
    assert ".dockerconfigjson" not in text
    assert base64.b64encode(b'{"auths"').decode()[:9] not in text
