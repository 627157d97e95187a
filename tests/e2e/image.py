# SPDX-License-Identifier: Apache-2.0
"""What is in the image that deploy/Containerfile describes? Its steps are run, without a builder.

What the lock installs is by default what this environment has: it is installed from the same lock.
With KGUARD_INSTALL=1 pip installs it, as a builder would.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.e2e import room

INSTALLS = bool(os.environ.get("KGUARD_INSTALL"))


class Step(NamedTuple):
    """One instruction, in the order of the file."""

    word: str
    rest: str


class Image(NamedTuple):
    """What a container of the image begins with."""

    mounts: dict[str, room.Mount]
    environment: dict[str, str]
    entrypoint: list[str]
    user: str


def steps(path: Path) -> Iterator[Step]:
    """The instructions of a Containerfile, their lines joined."""
    lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        if line.strip():
            word, _, rest = line.partition(" ")
            yield Step(word, rest.strip())


def build(checkout: Path, folder: Path) -> Image:
    """The image; its `/opt` lies in the folder, and everything else is the base's."""
    opt = folder / "opt"
    opt.mkdir()
    packages = opt / "packages"
    packages.mkdir()
    mounts = {"/opt": room.Mount(opt, writable=True)}
    if not INSTALLS:
        mounts["/opt/packages"] = room.Mount(Path(sysconfig.get_path("purelib")))
    found = list(steps(checkout / "deploy" / "Containerfile"))
    for number, step in enumerate(found):
        if step.word == "COPY" and not step.rest.startswith("--from"):
            _copy(checkout, folder, step.rest)
        elif step.word == "RUN" and ("pip install" not in step.rest or INSTALLS):
            place = folder / f"step-{number}"
            place.mkdir()
            done = room.run(["sh", "-ec", step.rest], *_online(mounts, place))
            assert done.returncode == 0, done.stderr
    return _image(mounts, found)


def of_checkout(checkout: Path, packages: Path) -> Image:
    """The image without its steps: the code as the checkout has it, with these packages."""
    found = list(steps(checkout / "deploy" / "Containerfile"))
    mounts = {"/opt/packages": room.Mount(packages)}
    mounts |= {
        f"/opt/kguard/{n}": room.Mount(checkout / n) for n in ("kguard", "policies", "rules")
    }
    return _image(mounts, found)


def _image(mounts: dict[str, room.Mount], found: list[Step]) -> Image:
    last = {step.word: step.rest for step in found}
    environment = dict(s.rest.split("=", 1) for s in found if s.word == "ENV")
    kept = {path: mount._replace(writable=False) for path, mount in mounts.items()}
    return Image(kept, environment, json.loads(last["ENTRYPOINT"]), last["USER"])


def _online(
    mounts: dict[str, room.Mount], place: Path
) -> tuple[dict[str, room.Mount], Path, dict[str, str]]:
    """The arguments of a room from which pip reaches its index as from this machine."""
    if not INSTALLS:
        return mounts, place, {}
    (place / "tmp").mkdir()
    machine = {"/etc": room.Mount(Path("/etc")), "/tmp": room.Mount(place / "tmp", writable=True)}
    told = {k: v for k, v in os.environ.items() if k.startswith(("PIP_", "SSL_"))}
    proxies = {k: v for k, v in os.environ.items() if k.lower().endswith("_proxy")}
    return {**mounts, **machine}, place, {**told, **proxies, "HOME": "/tmp"}


def _copy(checkout: Path, folder: Path, rest: str) -> None:
    source, target = shlex.split(rest)
    place = folder / target.lstrip("/")
    place.parent.mkdir(parents=True, exist_ok=True)
    if (checkout / source).is_dir():
        shutil.copytree(checkout / source, place, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy(checkout / source, place)
