# SPDX-License-Identifier: Apache-2.0
"""Do the files that `kguard fix` writes do what its proof says, applied by a person's tools?"""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest

from tests.e2e.manifests import OPEN_WEB

PATCH = shutil.which("patch")
TWO_DOCUMENTS = (
    """apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web, namespace: shop}
spec:
  podSelector: {}
  policyTypes: [Ingress]
  ingress:
  - {}
---
"""
    + OPEN_WEB
)
pytestmark = pytest.mark.skipif(PATCH is None, reason="no patch(1) on PATH")


def _fingerprints(kguard, folder):
    done = kguard("scan", ".", "-q", "-o", "json", cwd=folder)
    return {entry["fingerprint"] for entry in json.loads(done.stdout)["findings"]}


def _apply(folder, remedies, start="."):
    for file in sorted(remedies.glob("*.patch")):
        subprocess.run(
            [PATCH, "-p1", "-d", start, "-i", file.resolve()],
            cwd=folder,
            check=True,
            capture_output=True,
        )
    for file in remedies.glob("*.yaml"):
        shutil.copy(file, folder)


def test_the_patches_of_the_shop_apply_and_close_what_the_proof_says(kguard, checkout, tmp_path):
    shop, remedies = tmp_path / "shop", tmp_path / "remedies"
    shutil.copytree(checkout / "examples" / "shop", shop)
    before = _fingerprints(kguard, shop)
    assert kguard("fix", ".", "-q", "--out", remedies, cwd=shop).returncode == 1
    _apply(shop, remedies)
    proof = json.loads((remedies / "proof.json").read_text())
    after = _fingerprints(kguard, shop)
    assert before - after == {entry["fingerprint"] for entry in proof["closes"]}
    caused = (*proof["lesser_findings"], *proof["next_findings"])
    assert after - before == {entry["fingerprint"] for entry in caused}
    kguard("fix", ".", "-q", "--out", tmp_path / "again", cwd=shop)
    assert sorted(p.name for p in (tmp_path / "again").iterdir()) == ["PROOF.md", "proof.json"]


def test_in_place_writes_what_the_patch_would(kguard, tmp_path):
    for name in ("patched", "edited"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "web.yaml").write_text(TWO_DOCUMENTS)
    kguard("fix", ".", "--out", "../remedies", cwd=tmp_path / "patched")
    _apply(tmp_path / "patched", tmp_path / "remedies")
    kguard("fix", ".", "--in-place", "--out", "../ignored", cwd=tmp_path / "edited")
    edited = (tmp_path / "edited" / "web.yaml").read_text()
    assert edited == (tmp_path / "patched" / "web.yaml").read_text()
    assert edited != TWO_DOCUMENTS


@pytest.mark.parametrize("given", ["../in", "{absolute}"])
def test_patches_of_files_elsewhere_name_the_folder_to_apply_them_in(kguard, tmp_path, given):
    (tmp_path / "in").mkdir()
    (tmp_path / "work").mkdir()
    (tmp_path / "in" / "web.yaml").write_text(TWO_DOCUMENTS)
    name = given.format(absolute=tmp_path / "in")
    done = kguard("fix", name, "--out", "out", cwd=tmp_path / "work")
    start = ".." if given == "../in" else "/"
    assert f"patch -p1 -d {start}\n" in done.stdout
    _apply(tmp_path / "work", tmp_path / "work" / "out", start)
    assert (tmp_path / "in" / "web.yaml").read_text() != TWO_DOCUMENTS


AMBIENT = """apiVersion: v1
kind: Namespace
metadata: {name: web, labels: {istio.io/dataplane-mode: ambient}}
---
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: default, namespace: istio-system}
spec: {mtls: {mode: STRICT}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: front, namespace: web}
spec:
  selector: {matchLabels: {app: front}}
  template:
    metadata: {labels: {app: front}}
    spec:
      containers:
      - {name: c, image: "registry.example/front:1", env: [{name: CART, value: "http://cart.shop/"}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: cart, namespace: shop}
spec:
  selector: {matchLabels: {app: cart}}
  template:
    metadata: {labels: {app: cart}}
    spec:
      containers: [{name: c, image: "registry.example/cart:1", ports: [{containerPort: 8080}]}]
---
apiVersion: v1
kind: Service
metadata: {name: cart, namespace: shop}
spec: {selector: {app: cart}, ports: [{port: 80, targetPort: 8080}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: cart, namespace: shop}
spec: {podSelector: {}, ingress: [{ports: [{port: 8080}]}]}
"""


def test_the_proof_for_one_layer_looks_at_every_layer(kguard, tmp_path):
    (tmp_path / "mesh.yaml").write_text(AMBIENT)
    done = kguard("fix", ".", "--layer", "mtls", "--out", "out", cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    (refused,) = json.loads((tmp_path / "out" / "proof.json").read_text())["refused"]
    assert "take port 15008 now, and policies close it" in refused["counterexample"]
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["PROOF.md", "proof.json"]
