# SPDX-License-Identifier: Apache-2.0
"""Does a registry that lies, stalls or refuses get the class it deserves, in bounded time?"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest
import urllib3
import urllib3.util.connection

from kguard.layers.images import registries
from kguard.layers.images.semantics.references import parse_weakly
from kguard.sources.registry import Keychain, gate, transport
from tests.conformance.cosign import vectors
from tests.conformance.cosign.faulty import HOSTS, Hosts

SHARED = Path(os.environ.get("KGUARD_SHARED") or Path(__file__).parents[4] / "shared")
FOLDER = SHARED / "conformance" / "cosign"
FILE = FOLDER / "faults.ndjson"
ROWS = [json.loads(line) for line in FILE.read_text().splitlines()] if FILE.is_file() else []
WRITTEN_COUNT = 64


def test_the_rows_are_there(shared: Path) -> None:
    assert shared == SHARED
    assert len(ROWS) == WRITTEN_COUNT


@pytest.fixture
def contacted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses to which a connection was attempted; only loopback is let through."""
    found: list[str] = []
    connect = urllib3.util.connection.create_connection

    def guarded(address: tuple[str, int], *arguments: Any, **more: Any) -> Any:
        found.append(address[0])
        if address[0].startswith("127.") or address[0].endswith(".invalid"):
            return connect(address, *arguments, **more)
        raise OSError("only loopback")

    monkeypatch.setattr(urllib3.util.connection, "create_connection", guarded)
    return found


@pytest.mark.parametrize("row", ROWS, ids=[row["id"] for row in ROWS])
def test_a_fault(
    row: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, contacted: list[str]
) -> None:
    if "max_seconds" in row["expect"]:
        monkeypatch.setattr(transport, "READ_SECONDS", row["client"]["read_timeout_s"])
        monkeypatch.setattr(transport, "RUN_SECONDS", row["client"]["total_timeout_s"])
    monkeypatch.setattr(gate, "LONGEST_WAIT_SECONDS", 1.0)
    read = _counted(monkeypatch)
    hosts = Hosts(row, vectors.repositories(FOLDER)[row["repository"]], vectors.content(FOLDER))
    try:
        started = time.monotonic()
        found = _asked(row, hosts, tmp_path, monkeypatch)
        _hold(row["expect"], found, time.monotonic() - started, hosts, contacted)
        assert sum(read) <= row["expect"].get("max_body_bytes", 1 << 40)
    finally:
        hosts.close()


def _counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes of the pieces of bodies that are read."""
    found: list[int] = []
    read1 = urllib3.HTTPResponse.read1

    def counting(self: urllib3.HTTPResponse, *arguments: Any) -> bytes:
        piece = read1(self, *arguments)
        found.append(len(piece))
        return piece

    monkeypatch.setattr(urllib3.HTTPResponse, "read1", counting)
    return found


def _asked(row: dict[str, Any], hosts: Hosts, folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    host = hosts.name("registry")
    if row.get("use_host") == "refused":
        host = "127.0.0.1:1"
    elif row.get("use_host"):
        host = row["use_host"]
    if login := row["credentials"]:
        (folder / "config.json").write_text(json.dumps({"auths": {host: login}}))
    keychain = Keychain({"DOCKER_CONFIG": str(folder)})
    monkeypatch.setattr(registries, "Keychain", lambda: keychain)
    asked = registries.Registries()
    reference = parse_weakly(row["reference"].replace("registry.test", host))
    case = vectors.cases(FOLDER)[row["base_case"]]
    authorities = vectors.authorities(lambda name: (FOLDER / name).read_bytes(), case)
    return asked.assess(reference, reference.digest, authorities, vectors.NOW).signature


def _hold(
    expect: dict[str, Any], found: str, seconds: float, hosts: Hosts, contacted: list[str]
) -> None:
    assert found in {expect["class"], *expect.get("class_also", ())}
    assert found not in expect.get("never_class", ())
    assert expect.get("min_seconds", 0) <= seconds <= expect.get("max_seconds", 60)
    assert len(hosts.requests) <= expect.get("max_requests", 2000)
    assert not {*expect.get("never_contact", ())} & {*contacted}
    for host in expect.get("never_send_authorization_to", ()):
        assert host in HOSTS
        assert [a for name, _, _, a in hosts.requests if name == host and a] == []
    if scope := expect.get("token_scope"):
        asked = [path for _, _, path, _ in hosts.requests if path.startswith("/token")]
        assert asked
        assert all(f"scope={scope.replace(':', '%3A').replace('/', '%2F')}" in p for p in asked)
