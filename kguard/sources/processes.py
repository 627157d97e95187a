# SPDX-License-Identifier: Apache-2.0
"""How is one of the user's own programs (git, helm, kustomize) run safely?

No shell, nothing on standard input, an environment of a few names only, a time limit that ends
the whole process group, and a limit on the output.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import msgspec

_KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "SYSTEMROOT", "SYSTEMDRIVE", "TEMP", "TMP")


class Outcome(msgspec.Struct, frozen=True):
    """What a program left behind."""

    output: bytes
    """Standard output."""
    error: str
    """Why it failed, one line; empty if it did not."""


def run(
    arguments: Sequence[str],
    *,
    folder: Path,
    seconds: float,
    limit: int,
    environment: Mapping[str, str] | None = None,
) -> Outcome:
    """Run a program to its end.

    Args:
        arguments: the program (an absolute path) and its arguments.
        folder: where it runs.
        seconds: after this time it is ended.
        limit: bytes of output after which it is ended.
        environment: what it sees besides the few names that every program needs.
    """
    try:
        process = subprocess.Popen(
            arguments,
            cwd=folder,
            env=surroundings(environment or {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        return Outcome(b"", f"{Path(arguments[0]).name} cannot be started: {error.strerror}")
    timer = threading.Timer(seconds, end, [process])
    timer.start()
    try:
        return _collect(process, timer, seconds, limit)
    finally:
        timer.cancel()
        end(process)


def surroundings(more: Mapping[str, str]) -> dict[str, str]:
    """The environment of a program: the few names that every one needs, and its own."""
    return {**{name: os.environ[name] for name in _KEPT if name in os.environ}, **more}


def _collect(
    process: subprocess.Popen[bytes], timer: threading.Timer, seconds: float, limit: int
) -> Outcome:
    complaints: list[bytes] = []
    reader = threading.Thread(target=_drain, args=(process.stderr, complaints), daemon=True)
    reader.start()
    output = b""
    if process.stdout:
        with process.stdout as stream:
            output = stream.read(limit + 1)
    if len(output) > limit:
        end(process)
    code = process.wait()
    reader.join(timeout=1)
    if len(output) > limit:
        return Outcome(b"", f"more than {limit >> 20} MiB of output")
    if code < 0 and not timer.is_alive():
        return Outcome(b"", f"no end after {seconds:g} seconds")
    return Outcome(output, _complaint(code, b"".join(complaints)))


def _drain(stream: IO[bytes] | None, into: list[bytes]) -> None:
    if stream:
        with stream:
            into.append(stream.read(1 << 16))
            while stream.read(1 << 16):
                pass


def _complaint(code: int, errors: bytes) -> str:
    """What a failed program says went wrong: its line `Error: ...`, else its last line."""
    if code == 0:
        return ""
    lines = [line.strip() for line in errors.decode(errors="replace").splitlines() if line.strip()]
    blamed = [line for line in lines if line.lower().startswith(("error:", "fatal:"))]
    text = (blamed or lines or [f"exit code {code}"])[-1]
    return text.partition(" ")[2][:500] if blamed else text[:500]


def end(process: subprocess.Popen[Any]) -> None:
    """Kill a program and what it started, if it still runs."""
    if process.poll() is None:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except (OSError, AttributeError):
            process.kill()
