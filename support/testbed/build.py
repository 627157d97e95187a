# SPDX-License-Identifier: Apache-2.0
"""How does a system get from its Go module into the cache, exactly once?

A lock per system makes a second run wait for the first instead of building the same thing
again; the folder appears by one rename, so a half-built system is never seen. Proxy, checksum
database and flags of the Go tool are whatever the environment says.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from support.testbed.cache import binary, root
from support.testbed.recipes import Recipe

ATTEMPTS = 2  # a module proxy may drop a connection in half an hour of downloads
HEARTBEAT_SECONDS = 30.0
LOG_TAIL_LINES = 20

Report = Callable[[str], None]


class BuildError(Exception):
    """A system could not be built; the message ends with the last lines of the Go tool."""


def ensure(system: Recipe, report: Report) -> bool:
    """Build a system unless it is there. True if it was built now. Raises ``BuildError``."""
    if binary(system).is_file():
        return False
    with _locked(system):
        if binary(system).is_file():
            return False
        _build(system, report)
    return True


@contextlib.contextmanager
def _locked(system: Recipe) -> Iterator[None]:
    locks = root() / ".locks"
    locks.mkdir(parents=True, exist_ok=True)
    with (locks / f"{system.folder}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _build(system: Recipe, report: Report) -> None:
    with tempfile.TemporaryDirectory(dir=root(), prefix=".building-") as folder:
        out = Path(folder) / "out"
        out.mkdir()
        log = Path(folder) / "log"
        for attempt in range(1, ATTEMPTS + 1):
            if _run_go(system, out, log, report):
                break
            if attempt == ATTEMPTS:
                raise BuildError(_tail(log))
        _publish(system, out)


def _run_go(system: Recipe, out: Path, log: Path, report: Report) -> bool:
    command, environment = _command(system, out)
    started = time.monotonic()
    with log.open("wb") as sink:
        process = subprocess.Popen(
            command,
            cwd=system.module or out,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
        )
        try:
            return _wait(process, lambda: report(f"{time.monotonic() - started:.0f} s"))
        finally:
            process.kill()
            process.wait()


def _command(system: Recipe, out: Path) -> tuple[list[str], dict[str, str]]:
    environment = {**os.environ, "CGO_ENABLED": "0"}
    if system.module:
        command = ["go", "build", "-ldflags", system.ldflags, "-o", str(out / system.name)]
    else:
        environment["GOBIN"] = str(out)
        command = ["go", "install", "-ldflags", system.ldflags]
    return [*command, system.target], environment


def _wait(process: subprocess.Popen[bytes], beat: Callable[[], None]) -> bool:
    while True:
        try:
            return process.wait(timeout=HEARTBEAT_SECONDS) == 0
        except subprocess.TimeoutExpired:
            beat()


def _publish(system: Recipe, out: Path) -> None:
    place = root() / system.folder
    if not (out / system.name).is_file():
        raise BuildError(f"the Go tool left no program named {system.name}")
    shutil.rmtree(place, ignore_errors=True)
    out.rename(place)


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-LOG_TAIL_LINES:])
