# SPDX-License-Identifier: Apache-2.0
"""How does a test get a real API server? etcd and kube-apiserver on loopback ports.

Users come from a token file: ``admin`` may do everything, ``scanner`` what the shipped role
grants, ``stranger`` nothing beyond discovery.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

APISERVER = (
    f"kube-apiserver-{minor}" if (minor := os.environ.get("KGUARD_APISERVER")) else "kube-apiserver"
)
"""The system of the testbed that answers; `KGUARD_APISERVER=1.33` chooses an older minor."""

READY_SECONDS = 90.0
STOP_SECONDS = 20.0
TOKENS = {"admin": "system:masters", "scanner": "kguard", "stranger": "nobody"}
AUDIT_POLICY = "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n- level: Metadata\n"


@dataclass(frozen=True)
class Cluster:
    """A running API server with one kubeconfig context for each user."""

    url: str
    kubeconfig: Path
    kubectl: Path
    audit_log: Path

    def run(self, *arguments: str, user: str = "admin", check: bool = True) -> str:
        """What kubectl prints; raises ``AssertionError`` with its complaint if it fails."""
        done = subprocess.run(
            [str(self.kubectl), f"--context={user}", *arguments],
            env={**os.environ, "KUBECONFIG": str(self.kubeconfig)},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert not check or done.returncode == 0, done.stderr
        return done.stdout

    def apply(self, path: Path, *arguments: str) -> str:
        """Apply a file or folder as a user does."""
        return self.run("apply", "--filename", str(path), *arguments)


def define_resources(cluster: Cluster, folder: Path, names: set[tuple[str, str]]) -> None:
    """Create minimal definitions of those resources (group, plural) that are not served."""
    served = set(cluster.run("api-resources", "--output=name").split())
    missing = {
        (group, plural) for group, plural in names if group and f"{plural}.{group}" not in served
    }
    items = [
        _definition(group, plural.title(), "v1", True, plural) for group, plural in sorted(missing)
    ]
    _create(cluster, folder / "resources.json", items)


def define(cluster: Cluster, folder: Path, kinds: dict[tuple[str, str], tuple[str, bool]]) -> None:
    """Create minimal definitions: ``{(group, kind): (version, namespaced)}``."""
    items = [_definition(*key, *value) for key, value in sorted(kinds.items())]
    _create(cluster, folder / "definitions.json", items)


def _create(cluster: Cluster, path: Path, items: list[dict]) -> None:
    path.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
    cluster.apply(path)
    names = [f"crd/{item['metadata']['name']}" for item in items]
    cluster.run("wait", "--for=condition=Established", "--timeout=60s", *names)


def _definition(group: str, kind: str, version: str, namespaced: bool, plural: str = "") -> dict:
    plural = plural or _plural(kind)
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    served = {
        "name": version,
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": schema},
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": f"{plural}.{group}",
            "annotations": {"api-approved.kubernetes.io": "unapproved, of a test"},
        },
        "spec": {
            "group": group,
            "scope": "Namespaced" if namespaced else "Cluster",
            "names": {"kind": kind, "plural": plural, "singular": kind.lower()},
            "versions": [served],
        },
    }


def _plural(kind: str) -> str:
    word = kind.lower()
    if word.endswith("y") and word[-2] not in "aeiou":
        return word[:-1] + "ies"
    return word + "es" if word.endswith(("s", "x", "ch")) else word + "s"


@contextlib.contextmanager
def running(
    testbed: Callable[[str], Path],
    folder: Path,
    audit_policy: str = AUDIT_POLICY,
    options: tuple[str, ...] = (),
    *,
    service_accounts: bool = False,
) -> Iterator[Cluster]:
    """A real API server with its store, stopped at the end; without a policy it is not audited.

    `options` are further words of the server's command line. With `service_accounts` a pod needs
    one, and gets the volume with its token.
    """
    programs = {name: testbed(name) for name in ("etcd", APISERVER, "kubectl")}
    store, peers, port = free_ports(3)
    etcd = _etcd(programs["etcd"], folder, store, peers)
    server = [*_apiserver(programs[APISERVER], folder, store, port), *options]
    if not service_accounts:
        server.append("--disable-admission-plugins=ServiceAccount")
    if audit_policy:
        (folder / "audit.yaml").write_text(audit_policy)
        server.append(f"--audit-policy-file={folder / 'audit.yaml'}")
        server.append(f"--audit-log-path={folder / 'audit.log'}")
    kubeconfig = _kubeconfig(folder, port)
    cluster = Cluster(
        f"https://127.0.0.1:{port}", kubeconfig, programs["kubectl"], folder / "audit.log"
    )
    with _process(etcd, folder / "etcd.log"), _process(server, folder / "apiserver.log") as process:
        _wait(cluster, process, folder / "apiserver.log")
        yield cluster


def free_ports(count: int) -> list[int]:
    """Loopback ports that nobody listened on a moment ago."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def _etcd(program: Path, folder: Path, port: int, peers: int) -> list[str]:
    return [
        str(program),
        f"--data-dir={folder / 'etcd'}",
        f"--listen-client-urls=http://127.0.0.1:{port}",
        f"--advertise-client-urls=http://127.0.0.1:{port}",
        f"--listen-peer-urls=http://127.0.0.1:{peers}",
        "--unsafe-no-fsync",
    ]


def _apiserver(program: Path, folder: Path, store: int, port: int) -> list[str]:
    tokens = [f'{user}-token,{user},{user},"{group}"' for user, group in TOKENS.items()]
    (folder / "tokens.csv").write_text("\n".join(tokens) + "\n")
    key = folder / "sa.key"
    _write_key(key)
    return [
        str(program),
        f"--etcd-servers=http://127.0.0.1:{store}",
        f"--secure-port={port}",
        "--bind-address=127.0.0.1",
        f"--cert-dir={folder / 'certificates'}",
        f"--token-auth-file={folder / 'tokens.csv'}",
        "--service-account-issuer=https://kguard.test",
        f"--service-account-key-file={key}",
        f"--service-account-signing-key-file={key}",
        "--authorization-mode=RBAC",
        "--service-cluster-ip-range=10.0.0.0/24",
        "--allow-privileged",
    ]


def _write_key(path: Path) -> None:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )


def _kubeconfig(folder: Path, port: int) -> Path:
    authority = str(folder / "certificates" / "apiserver.crt")
    cluster = {"server": f"https://127.0.0.1:{port}", "certificate-authority": authority}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "admin",
        "clusters": [{"name": "test", "cluster": cluster}],
        "users": [{"name": name, "user": {"token": f"{name}-token"}} for name in TOKENS],
        "contexts": [
            {"name": name, "context": {"cluster": "test", "user": name}} for name in TOKENS
        ],
    }
    path = folder / "kubeconfig"
    path.write_text(json.dumps(config))
    return path


@contextlib.contextmanager
def controlling(
    testbed: Callable[[str], Path], folder: Path, cluster: Cluster, *controllers: str
) -> Iterator[None]:
    """These controllers of Kubernetes at work on a cluster, stopped at the end.

    `root-ca-certificate-publisher-controller` gives each namespace what its pods trust the API
    server by.
    """
    (port,) = free_ports(1)
    command = [
        str(testbed("kube-controller-manager")),
        f"--kubeconfig={cluster.kubeconfig}",
        f"--controllers={','.join(controllers)}",
        "--leader-elect=false",
        "--authentication-skip-lookup",
        "--bind-address=127.0.0.1",
        f"--secure-port={port}",
        f"--cert-dir={folder / 'controllers'}",
        f"--root-ca-file={cluster.kubeconfig.parent / 'certificates' / 'apiserver.crt'}",
        "--kube-api-qps=500",
        "--kube-api-burst=1000",
    ]
    with _process(command, folder / "controllers.log"):
        yield


@contextlib.contextmanager
def pretending(kwok: Path, folder: Path, cluster: Cluster) -> Iterator[None]:
    """kwok at work on a cluster: nodes are ready, and pods bound to them run."""
    command = [
        str(kwok),
        f"--kubeconfig={cluster.kubeconfig}",
        "--manage-all-nodes",
        "--node-lease-duration-seconds=0",
        "--cidr=10.64.0.1/16",
        f"--config={Path(__file__).with_name('kwok.yaml')}",
    ]
    with _process(command, folder / "kwok.log"):
        yield


@contextlib.contextmanager
def _process(command: list[str], log: Path) -> Iterator[subprocess.Popen]:
    environment = {**os.environ, "GOGC": "300"}  # ready with a fifth less of the processor
    with log.open("wb") as sink:
        process = subprocess.Popen(
            command, env=environment, stdout=sink, stderr=sink, stdin=subprocess.DEVNULL
        )
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait(cluster: Cluster, process: subprocess.Popen, log: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        if cluster.run("get", "--raw", "/readyz", check=False) == "ok":
            return
        time.sleep(0.3)
    ending = "\n".join(log.read_text().splitlines()[-20:])
    raise AssertionError(f"the API server is not ready:\n{ending}")
