# SPDX-License-Identifier: Apache-2.0
"""Does the real cosign accept what `kguard images verify` accepts, on the shop's evidence?"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from kguard.cli.images import command

REGISTRY = "registry.example.com/shop"
ACCEPTED = {
    "frontend": True,
    "cart": True,
    "catalog": True,
    "checkout": True,
    "payments": False,
    "recommender": True,
    "orders": False,
    "mailer": False,
}


def _local_image(evidence: Path, name: str, folder: Path) -> Path:
    """The layout as `cosign save` would write it for one image: same blobs, one entry."""
    index = json.loads((evidence / "index.json").read_text())
    wanted = f"{REGISTRY}/{name}:1.4.2"
    (entry,) = [
        e
        for e in index["manifests"]
        if e.get("annotations", {}).get("org.opencontainers.image.ref.name") == wanted
    ]
    entry["annotations"] = {"kind": "dev.cosignproject.cosign/image"}
    (folder / "index.json").write_text(json.dumps({**index, "manifests": [entry]}))
    (folder / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    (folder / "blobs").symlink_to(evidence / "blobs")
    return folder


@pytest.mark.parametrize("name", ACCEPTED)
def test_agrees_with_cosign(testbed, checkout, tmp_path, name):
    evidence = checkout / "examples" / "shop" / "evidence"
    key = checkout / "examples" / "shop" / "keys" / "shop-release.pub"
    local = _local_image(evidence, name, tmp_path)
    arguments = ["--key", str(key), "--insecure-ignore-tlog"]
    cosign = subprocess.run(
        [testbed("cosign"), "verify", "--local-image", *arguments, str(local)],
        capture_output=True,
        check=False,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
        timeout=60,
    )
    ours = CliRunner().invoke(
        command,
        ["verify", f"{REGISTRY}/{name}:1.4.2", "--evidence", str(evidence), *arguments],
        standalone_mode=False,
    )
    assert (cosign.returncode == 0, ours.return_value == 0) == (ACCEPTED[name], ACCEPTED[name])
