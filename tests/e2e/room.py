# SPDX-License-Identifier: Apache-2.0
"""How does a test run a command as a container does, without a container runtime?

In a mount namespace with a root of its own: the programs and libraries of this machine, what the
test puts there, and nothing that it may write but the places that the test names. Everything
vanishes with the last process.
"""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

PYTHON = "/usr/local/bin"
"""Where the images of Python have their interpreter; of these rooms it is the folder `bin`."""
_MACHINE = ("/usr", "/bin", "/lib", "/lib64", "/etc/ld.so.cache", "/proc", "/dev")


class Mount(NamedTuple):
    """A folder or file of this machine that a room has, under another name."""

    source: Path
    writable: bool = False


def needed() -> None:
    """Skip the test where the machine allows no namespaces."""
    command = ["unshare", "--map-root-user", "--mount", "true"]
    if not shutil.which("unshare") or subprocess.run(command, check=False).returncode:
        pytest.skip("this machine allows no mount namespaces")


def run(
    command: Sequence[str],
    mounts: Mapping[str, Mount],
    folder: Path,
    environment: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess:
    """What a command says in a room with these mounts.

    Args:
        command: words; the first is found on the room's PATH.
        mounts: by their paths in the room.
        folder: an empty folder for the room's root.
        environment: of the command, beside PATH.
    """
    python = folder / "python"
    python.symlink_to(Path(sys.base_prefix) / "bin" / f"python3.{sys.version_info.minor}")
    machine = {path: Mount(Path(path)) for path in _MACHINE if Path(path).exists()}
    machine[sys.base_prefix] = Mount(Path(sys.base_prefix))
    given = {"PATH": "/room:/usr/bin:/bin", **(environment or {})}
    root = folder / "root"
    root.mkdir()
    lines = [f"mount -t tmpfs room {_quoted(root)}"]
    for path, mount in sorted({**machine, **mounts}.items()):
        lines += _mounted(root, path, mount)
    words = [f"{name}={value}" for name, value in given.items()] + list(command)
    lines += [
        f"mkdir -p {_quoted(root / 'room')} && cp -P {_quoted(python)} {_quoted(root / 'room')}",
        f"mount -o remount,ro {_quoted(root)}",
        f"exec chroot {_quoted(root)} env -i {shlex.join(words)}",
    ]
    done = subprocess.run(
        ["unshare", "--map-root-user", "--mount", "sh", "-ec", "\n".join(lines)],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    root.rmdir()
    python.unlink()
    return done


def _mounted(root: Path, path: str, mount: Mount) -> list[str]:
    target = _quoted(root / path.lstrip("/"))
    source = _quoted(mount.source.resolve())
    if mount.source.is_dir():
        lines = [f"mkdir -p {target}"]
    else:
        lines = [f"mkdir -p $(dirname {target}); test -e {target} || touch {target}"]
    lines.append(f"mount --rbind {source} {target}")
    if not mount.writable and path not in ("/proc", "/dev"):
        lines.append(f"mount -o remount,bind,ro {target}")
    return lines


def _quoted(path: Path) -> str:
    return shlex.quote(str(path))
