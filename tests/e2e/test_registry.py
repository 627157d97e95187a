# SPDX-License-Identifier: Apache-2.0
"""Does a private registry answer us as it answers cosign?

A real distribution registry with a login and without the referrers API; images that crane makes,
signed by cosign with a key and without any log.
"""

from __future__ import annotations

import base64
import hashlib
import ipaddress
import json
import os
import shlex
import socket
import subprocess
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

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


@contextmanager
def serving(testbed, folder: Path, name: str, **sections) -> Iterator[int]:
    """A distribution registry with a configuration; its port."""
    port = _free_port()
    http = {"addr": f"127.0.0.1:{port}", **sections.pop("http", {})}
    config = {
        "version": 0.1,
        "log": {"level": "error"},
        "storage": {"filesystem": {"rootdirectory": str(folder / name)}},
        "http": http,
        **sections,
    }
    (folder / f"{name}.yaml").write_text(json.dumps(config))
    process = subprocess.Popen(
        [testbed("registry"), "serve", str(folder / f"{name}.yaml")],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait(port)
        yield port
    finally:
        process.terminate()
        process.wait(timeout=30)


@pytest.fixture(scope="module")
def private(testbed, tmp_path_factory) -> Iterator[Private]:
    folder = tmp_path_factory.mktemp("registry")
    (folder / "htpasswd").write_text(HTPASSWD)
    login = {"htpasswd": {"realm": "shop", "path": str(folder / "htpasswd")}}
    with serving(testbed, folder, "storage", auth=login) as port:
        found = Private(testbed, folder, port)
        found.run("cosign", "generate-key-pair")
        yield found


def _wait(port: int) -> None:
    for _ in range(600):
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
    answer = json.loads(ours.stdout)
    assert answer["class"] == signature
    assert (ours.returncode == 0) == accepted == (signature == "verified")
    program, *printed = shlex.split(answer["cosign"])
    assert program == "cosign"
    assert (private.run("cosign", *printed, check=False) == 0) == accepted


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


NOBODY = {"DOCKER_CONFIG": "/nonexistent", "HOME": "/nonexistent"}

RULES = "application/vnd.cncf.falco.rulesfile"


def artifact(folder: Path, rules: bytes) -> Path:
    """A rules file laid out as falcoctl pushes it."""
    (folder / "falco_rules.yaml").write_bytes(rules)
    with tarfile.open(folder / "rules.tar.gz", "w:gz") as archive:
        archive.add(folder / "falco_rules.yaml", arcname="falco_rules.yaml")
    layout = folder / "layout"
    blobs = layout / "blobs" / "sha256"
    blobs.mkdir(parents=True)

    def put(data: bytes, kind: str) -> dict[str, object]:
        digest = hashlib.sha256(data).hexdigest()
        (blobs / digest).write_bytes(data)
        return {"mediaType": kind, "digest": f"sha256:{digest}", "size": len(data)}

    config = {"name": "falco-rules", "version": "5.1.0"}
    manifest = {
        "schemaVersion": 2,
        "mediaType": (kind := "application/vnd.oci.image.manifest.v1+json"),
        "config": put(json.dumps(config).encode(), f"{RULES}.config.v1+json"),
        "layers": [put((folder / "rules.tar.gz").read_bytes(), f"{RULES}.layer.v1+tar.gz")],
    }
    index = {"schemaVersion": 2, "manifests": [put(json.dumps(manifest).encode(), kind)]}
    (layout / "index.json").write_text(json.dumps(index))
    (layout / "oci-layout").write_text(json.dumps({"imageLayoutVersion": "1.0.0"}))
    return layout


def test_the_rules_of_falco_come_from_a_registry(private, kguard, checkout, tmp_path):
    case = checkout / "tests" / "cases" / "runtime" / "rules-named"
    layout = artifact(tmp_path, (case / "rules" / "falco_rules.yaml").read_bytes())
    name = f"{private.name}/falcosecurity/rules/falco-rules:5"
    private.run("crane", "push", str(layout), name)
    arguments = ("facts", "--layer", "runtime", case / "in", "--falco-rules", f"oci://{name}")

    read = kguard(*arguments, cwd=tmp_path, env=private.environment)
    assert read.returncode == 0, read.stderr
    (found,) = json.loads(read.stdout)["runtime"]["installations"]
    assert (found["base_rules"], found["rules"]) == ("named", "loads")
    refused = kguard(*arguments, cwd=tmp_path, env={**private.environment, **NOBODY})
    assert (refused.returncode, refused.stdout) == (3, "")
    assert private.name in refused.stderr


def listed(kguard, checkout, private, folder, *arguments, **environment):
    """The classes of the images of a folder, by name."""
    found = kguard(
        *("images", "list", folder, "-o", "json", "--registry", *arguments),
        cwd=checkout,
        env={**private.environment, **environment},
    )
    rows = json.loads(found.stdout)
    return {row["image"].rpartition("/")[2]: row["class"] for row in rows}


def described(folder, private, names, settings, **spec):
    """A pod with images, and the settings beside it."""
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", "namespace": "shop"}}
    containers = [{"name": f"c{n}", "image": name} for n, name in enumerate(names)]
    pod["spec"] = {"containers": containers, **spec}
    (folder / "pod.json").write_text(json.dumps(pod))
    trust = {"keys": [str(private.folder / "cosign.pub")]}
    (folder / "kguard.yaml").write_text(json.dumps({"trust": trust, **settings}))


CLASSES = {
    "legacy:1.0": "verified",
    "bundle:1.0": "verified",
    "unsigned:1.0": "unsigned",
    "stranger:1.0": "wrong_identity",
}


@pytest.mark.parametrize("by", ["settings", "hosts.toml", "registries.conf"])
def test_a_mirror_answers_for_a_private_registry(
    testbed, private, images, kguard, checkout, tmp_path, by
):
    """The mirror pulls through with its own login; here nobody has one."""
    proxy = {"remoteurl": f"http://{private.name}", "username": "robot", "password": "s3cret"}
    with serving(testbed, tmp_path, "mirror", proxy=proxy) as port:
        mirror = f"127.0.0.1:{port}"
        settings = _mirrored(by, private.name, mirror, tmp_path)
        signed = [images[name] for name in ("legacy", "bundle")]
        described(tmp_path, private, signed, {"registries": settings})
        found = listed(kguard, checkout, private, tmp_path, "--no-cache", **NOBODY)
        assert found == {"legacy:1.0": "verified", "bundle:1.0": "verified"}
        # What a mirror does not have may still lie in the registry, which nobody may ask.
        described(tmp_path, private, [images["unsigned"]], {"registries": settings})
        found = listed(kguard, checkout, private, tmp_path, "--no-cache", **NOBODY)
        assert found == {"unsigned:1.0": "unknown_auth"}
        found = listed(kguard, checkout, private, tmp_path, "--no-cache")
        assert found == {"unsigned:1.0": "unsigned"}


def _mirrored(by, registry, mirror, folder):
    if by == "settings":
        return {"mirrors": [{"prefix": registry, "locations": [mirror]}]}
    if by == "registries.conf":
        text = f'[[registry]]\nlocation = "{registry}"\n'
        text += f'[[registry.mirror]]\nlocation = "{mirror}"\ninsecure = true\n'
        (folder / by).write_text(text)
        return {"node-files": [by]}
    place = folder / "certs.d" / registry
    place.mkdir(parents=True)
    (place / by).write_text(f'[host."http://{mirror}"]\ncapabilities = ["pull", "resolve"]\n')
    return {"node-files": ["certs.d"]}


def test_pull_secrets_stand_for_a_login(private, images, kguard, checkout, tmp_path):
    described(tmp_path, private, [images["legacy"]], {}, imagePullSecrets=[{"name": "pull"}])
    found = listed(kguard, checkout, private, tmp_path, "--no-cache", **NOBODY)
    assert found == {"legacy:1.0": "unknown_auth"}
    data = base64.b64encode((private.folder / "config.json").read_bytes()).decode()
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "pull", "namespace": "shop"},
        "type": "kubernetes.io/dockerconfigjson",
        "data": {".dockerconfigjson": data},
    }
    (tmp_path / "secret.json").write_text(json.dumps(secret))
    found = listed(kguard, checkout, private, tmp_path, "--no-cache", **NOBODY)
    assert found == {"legacy:1.0": "verified"}


def test_what_is_collected_is_judged_without_a_network(private, images, kguard, checkout, tmp_path):
    described(tmp_path, private, [*images.values(), f"{private.name}/shop/gone:1.0"], {})
    out = tmp_path / "evidence"
    done = kguard(
        *("images", "collect", tmp_path / "pod.json", "--out", out),
        cwd=checkout,
        env=private.environment,
    )
    assert done.returncode == 3
    assert "shop/gone:1.0: not_found" in done.stdout
    assert "4 of 5 images" in done.stdout
    found = kguard(
        *("images", "list", tmp_path / "pod.json", "-o", "json", "--offline", "--evidence", out),
        cwd=checkout,
        env={**private.environment, **NOBODY},
    )
    rows = {row["image"].rpartition("/")[2]: row["class"] for row in json.loads(found.stdout)}
    assert rows == {**CLASSES, "gone:1.0": "not_found"}


def test_a_second_run_costs_less_and_says_the_same(private, images, kguard, checkout, tmp_path):
    described(tmp_path, private, images.values(), {})
    cache = ("--cache", tmp_path / "cache")
    assert listed(kguard, checkout, private, tmp_path, *cache) == CLASSES
    assert listed(kguard, checkout, private, tmp_path, *cache) == CLASSES
    assert any((tmp_path / "cache").rglob("*"))
    # An unwritable place is no cache, and nothing else.
    assert listed(kguard, checkout, private, tmp_path, "--cache", "/proc/nowhere") == CLASSES


def test_tls_with_an_authority_of_ones_own(testbed, private, kguard, checkout, tmp_path):
    _certificates(tmp_path)
    tls = {"certificate": str(tmp_path / "tls.crt"), "key": str(tmp_path / "tls.key")}
    with serving(testbed, tmp_path, "encrypted", http={"tls": tls}) as port:
        # This machine is asked without TLS first; the registry says that it speaks TLS only.
        name = f"127.0.0.1:{port}/shop/none:1.0"
        for authorities, expected in (([], "unknown_unreachable"), (["ca.crt"], "not_found")):
            settings = {"registries": {"ca-files": authorities}}
            described(tmp_path, private, [name], settings)
            found = listed(kguard, checkout, private, tmp_path, "--no-cache", **NOBODY)
            assert found == {"none:1.0": expected}


def _certificates(folder):
    """A certificate authority, and a certificate for the address of the registry."""
    now = datetime.now(UTC)
    authority, key = (
        ec.generate_private_key(ec.SECP256R1()),
        ec.generate_private_key(ec.SECP256R1()),
    )
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "shop CA")])
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))

    def made(subject, public, *extensions):
        found = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer)
        found = found.public_key(public).serial_number(x509.random_serial_number())
        found = found.not_valid_before(now - timedelta(days=1))
        found = found.not_valid_after(now + timedelta(days=1))
        for extension, critical in extensions:
            found = found.add_extension(extension, critical=critical)
        return found.sign(authority, hashes.SHA256()).public_bytes(Encoding.PEM)

    public = authority.public_key()
    identifier = x509.SubjectKeyIdentifier.from_public_key(public)
    usage = x509.KeyUsage(*[n == 5 for n in range(9)])
    basic = x509.BasicConstraints(ca=True, path_length=0)
    root = made(issuer, public, (basic, True), (identifier, False), (usage, True))
    (folder / "ca.crt").write_bytes(root)
    leaf = made(
        x509.Name([]),
        key.public_key(),
        (x509.SubjectAlternativeName([address]), True),
        (x509.AuthorityKeyIdentifier.from_issuer_public_key(public), False),
    )
    (folder / "tls.crt").write_bytes(leaf)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "tls.key").write_bytes(pem)
