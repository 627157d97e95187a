# SPDX-License-Identifier: Apache-2.0
"""Which other scanners run beside kguard, and how is each obtained?"""

from __future__ import annotations

import subprocess
import sys
import venv
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from support.testbed.build import BuildError, ensure
from support.testbed.cache import binary, root
from support.testbed.recipes import recipe

CHECKOV = "3.3.30"


class Peer(NamedTuple):
    """A scanner; ``command`` makes its command line for a folder of manifests."""

    name: str
    command: Callable[[Path], list[str]]


class Absent(Exception):  # noqa: N818 - said in the table, no error
    """A peer cannot be had on this machine."""


def kube_score() -> Peer:
    """Built from its Go module. Raises ``Absent``."""
    system = recipe("kube-score")
    try:
        ensure(system, lambda word: print(f"bench: building kube-score, {word}", file=sys.stderr))
    except (BuildError, OSError) as error:
        raise Absent(str(error).splitlines()[-1]) from error
    program = str(binary(system))
    return Peer(
        "kube-score",
        lambda folder: [program, "score", "-o", "ci", *map(str, sorted(folder.glob("*.y*ml")))],
    )


def checkov() -> Peer:
    """Installed from PyPI into an environment of its own. Raises ``Absent``."""
    place = root() / f"checkov-{CHECKOV}"
    program = place / "bin" / "checkov"
    if not program.is_file():
        print("bench: installing checkov", file=sys.stderr)
        venv.create(place, clear=True, with_pip=True)
        install = [str(place / "bin" / "pip"), "install", "--quiet", f"checkov=={CHECKOV}"]
        if subprocess.run(install, check=False, capture_output=True).returncode:
            raise Absent("pip could not install it")
    options = ["--framework", "kubernetes", "--quiet", "--compact", "--skip-download"]
    return Peer("checkov", lambda folder: [str(program), "--directory", str(folder), *options])


PEERS = (kube_score, checkov)
