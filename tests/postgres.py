# SPDX-License-Identifier: Apache-2.0
"""How does a test get a real PostgreSQL? Debian's programs, on loopback and a socket."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

READY_SECONDS = 60.0
PASSWORD = "p w/@:?#%"  # noqa: S105 - of the test's own server
"""Of the user `kguard`, over TCP; the socket asks for none."""


@dataclass(frozen=True)
class Server:
    """A running server with an empty database."""

    folder: Path
    port: int

    @property
    def address(self) -> str:
        """The database over the socket, without a password."""
        return f"postgresql://kguard@/kguard?host={self.folder}&port={self.port}"

    @property
    def remote(self) -> str:
        """The database over TCP, where a password is asked for and not given."""
        return f"postgresql://kguard@127.0.0.1:{self.port}/kguard"

    def clear(self) -> None:
        """Forget every history."""
        import psycopg

        with psycopg.connect(self.address, autocommit=True) as connection:
            connection.execute("SET client_min_messages = 'error'")
            connection.execute("DROP SCHEMA IF EXISTS kguard CASCADE")


def programs() -> Path:
    """The folder of the server's programs; skips or fails the test where there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=_version)
    on_path = shutil.which("initdb")
    if found or on_path:
        return (found[-1] if found else Path(on_path)).parent
    message = "PostgreSQL is not installed: `apt-get install postgresql`"
    if os.environ.get("KGUARD_TESTBED") == "required":
        pytest.fail(message, pytrace=False)
    pytest.skip(message)


def _version(program: Path) -> int:
    name = program.parents[1].name
    return int(name) if name.isdigit() else 0


@contextlib.contextmanager
def running() -> Iterator[Server]:
    """A server that is stopped at the end, and its data removed."""
    where = programs()
    # The server refuses to run as root, and another user cannot enter pytest's own folders.
    folder = Path(tempfile.mkdtemp(prefix="kguard-pg-"))
    owner = {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.geteuid() == 0 else {}
    if owner:
        shutil.chown(folder, owner["user"], owner["group"])
    try:
        _create(where, folder, owner)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            server = Server(folder, free.getsockname()[1])
        with _serving(where, server, owner):
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _create(where: Path, folder: Path, owner: dict) -> None:
    secret = folder / "password"
    secret.write_text(PASSWORD + "\n")
    if owner:
        shutil.chown(secret, owner["user"])
    command = [where / "initdb", "--pgdata", folder / "data", "--username=kguard", "--no-sync"]
    command += ["--auth-local=trust", "--auth-host=scram-sha-256", f"--pwfile={secret}"]
    command += ["--encoding=UTF8", "--locale=C.UTF-8"]
    subprocess.run(command, check=True, capture_output=True, cwd=folder, **owner)


@contextlib.contextmanager
def _serving(where: Path, server: Server, owner: dict) -> Iterator[None]:
    settings = {
        "listen_addresses": "127.0.0.1",
        "port": server.port,
        "unix_socket_directories": server.folder,
        "fsync": "off",
        "full_page_writes": "off",
        "synchronous_commit": "off",
        "shared_buffers": "32MB",
    }
    command = [where / "postgres", "-D", server.folder / "data"]
    command += [word for key, value in settings.items() for word in ("-c", f"{key}={value}")]
    with (server.folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=server.folder, **owner)
    try:
        _wait(server, process)
        yield
    finally:
        process.send_signal(3)  # SIGQUIT: at once, the data are removed anyway
        process.wait(20)


def _wait(server: Server, process: subprocess.Popen) -> None:
    import psycopg

    end = time.monotonic() + READY_SECONDS
    root = server.address.replace("/kguard?", "/postgres?")
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(psycopg.OperationalError), psycopg.connect(root) as connection:
            connection.autocommit = True
            connection.execute("CREATE DATABASE kguard")
            return
        time.sleep(0.05)
    raise AssertionError(f"PostgreSQL is not ready:\n{(server.folder / 'log').read_text()}")
