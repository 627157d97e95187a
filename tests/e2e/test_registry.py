# SPDX-License-Identifier: Apache-2.0
"""Does a private registry answer us as it answers cosign?

A real distribution registry with a login and without the referrers API; images that crane makes,
signed by cosign with a key and without any log.
"""

from __future__ import annotations

import base64
import json
import os
import socket
import subprocess
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.testbed("registry", "crane", "cosign")

HTPASSWD = "robot:$2y$05$abcdefghijklmnopqrstuuLK7U1u6pVRmL7L1BBM2aS35PSZnDXlK\n"
"""The password is `s3cret`."""

SIGN = ("sign", "--yes", "--tlog-upload=false", "--use-signing-config=false")


class Private:
    """The registry, and the tools with their login to it."""

    def __init__(self, testbed, folder: Path, port: int) -> None:
        self.name = f"127.0.0.1:{port}"
        self.folder = folder
        self._testbed = testbed
        pair = base64.b64encode(b"robot:s3cret").decode()
        (folder / "config.json").write_text(json.dumps({"auths": {self.name: {"auth": pair}}}))
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "DOCKER_CONFIG": str(folder),
            "COSIGN_PASSWORD": "",
        }

    def run(self, program: str, *arguments: str, check: bool = True) -> int:
        done = subprocess.run(
            [self._testbed(program), *arguments],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert not check or done.returncode == 0, done.stderr
        return done.returncode

    def image(self, name: str) -> str:
        """Make an image, and return its name."""
        layer = self.folder / f"{name}.tar"
        with tarfile.open(layer, "w") as archive:
            archive.add(self.folder / "config.json", arcname=name)
        reference = f"{self.name}/shop/{name}:1.0"
        self.run("crane", "append", "--oci-empty-base", "-f", str(layer), "-t", reference)
        return reference


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.fixture(scope="module")
def private(testbed, tmp_path_factory) -> Iterator[Private]:
    folder, port = tmp_path_factory.mktemp("registry"), _free_port()
    (folder / "htpasswd").write_text(HTPASSWD)
    config = {
        "version": 0.1,
        "log": {"level": "error"},
        "storage": {"filesystem": {"rootdirectory": str(folder / "storage")}},
        "http": {"addr": f"127.0.0.1:{port}"},
        "auth": {"htpasswd": {"realm": "shop", "path": str(folder / "htpasswd")}},
    }
    (folder / "config.yaml").write_text(json.dumps(config))
    process = subprocess.Popen(
        [testbed("registry"), "serve", str(folder / "config.yaml")],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait(port)
        found = Private(testbed, folder, port)
        found.run("cosign", "generate-key-pair")
        yield found
    finally:
        process.terminate()
        process.wait(timeout=30)


def _wait(port: int) -> None:
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    pytest.fail("the registry does not start")


@pytest.fixture(scope="module")
def images(private: Private) -> dict[str, str]:
    found = {name: private.image(name) for name in ("legacy", "bundle", "unsigned", "stranger")}
    key = ("--key", "cosign.key")
    private.run("cosign", *SIGN, "--new-bundle-format=false", *key, found["legacy"])
    private.run("cosign", *SIGN, "--new-bundle-format=true", *key, found["bundle"])
    other = private.folder / "other"
    other.mkdir()
    private.run("cosign", "generate-key-pair", "--output-key-prefix", "other/cosign")
    private.run("cosign", *SIGN, "--key", "other/cosign.key", found["stranger"])
    return found


@pytest.mark.parametrize(
    ("name", "signature"),
    [
        ("legacy", "verified"),
        ("bundle", "verified"),
        ("unsigned", "unsigned"),
        ("stranger", "wrong_identity"),
    ],
)
def test_agrees_with_cosign(private, images, kguard, checkout, name, signature):
    arguments = ("--key", "cosign.pub", "--insecure-ignore-tlog")
    accepted = private.run("cosign", "verify", *arguments, images[name], check=False) == 0
    ours = kguard(
        *("images", "verify", images[name], "-o", "json"),
        *("--key", private.folder / "cosign.pub", "--insecure-ignore-tlog"),
        cwd=checkout,
        env=private.environment,
    )
    assert json.loads(ours.stdout)["class"] == signature
    assert (ours.returncode == 0) == accepted == (signature == "verified")


def test_without_the_login_nothing_is_said(private, images, kguard, checkout):
    ours = kguard(
        *("images", "verify", images["unsigned"], "-o", "json", "--key"),
        private.folder / "cosign.pub",
        cwd=checkout,
        env={**private.environment, "DOCKER_CONFIG": "/nonexistent", "HOME": "/nonexistent"},
    )
    assert (ours.returncode, json.loads(ours.stdout)["class"]) == (3, "unknown_auth")


def test_a_scan_asks_only_when_it_is_told_to(private, images, kguard, checkout, tmp_path):
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}}
    containers = [{"name": name, "image": image} for name, image in images.items()]
    (tmp_path / "pod.json").write_text(json.dumps({**pod, "spec": {"containers": containers}}))
    arguments = ("images", "list", tmp_path, "-o", "json")
    trust = tmp_path / "kguard.yaml"
    trust.write_text(f"trust: {{keys: [{private.folder / 'cosign.pub'}]}}\n")
    silent = kguard(*arguments, cwd=checkout, env=private.environment)
    assert {row["class"] for row in json.loads(silent.stdout)} == {"not_evaluated"}
    asked = kguard(*arguments, "--registry", cwd=checkout, env=private.environment)
    classes = {row["image"].rpartition("/")[2]: row["class"] for row in json.loads(asked.stdout)}
    assert classes == {
        "legacy:1.0": "verified",
        "bundle:1.0": "verified",
        "unsigned:1.0": "unsigned",
        "stranger:1.0": "wrong_identity",
    }
