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
ANALYZER = "2.1.0"


class Peer(NamedTuple):
    """A scanner; ``command`` makes its command line for a folder of manifests."""

    name: str
    command: Callable[[Path], list[str]]


class Absent(Exception):  # noqa: N818 - said in the table, no error
    """A peer cannot be had on this machine."""


def kube_score() -> Peer:
    """Built from its Go module. Raises ``Absent``."""
    program = _built("kube-score")
    return Peer(
        "kube-score",
        lambda folder: [program, "score", "-o", "ci", *map(str, sorted(folder.glob("*.y*ml")))],
    )


def conftest() -> Peer:
    """Built from its Go module, with two rules about Deployments. Raises ``Absent``."""
    program = _built("conftest")
    rules = root() / "conftest-rules"
    rules.mkdir(exist_ok=True)
    (rules / "rules.rego").write_text(_RULES)
    options = ["test", "--policy", str(rules), "--no-color", "--output", "json"]
    return Peer("conftest", lambda folder: [program, *options, str(folder)])


_RULES = """package main

import rego.v1

deny contains message if {
    input.kind == "Deployment"
    some container in input.spec.template.spec.containers
    not contains(container.image, "@sha256:")
    message := sprintf("%s is named by tag", [container.image])
}

deny contains message if {
    input.kind == "Deployment"
    not input.spec.template.spec.securityContext.runAsNonRoot
    message := sprintf("%s may run as root", [input.metadata.name])
}
"""


def checkov() -> Peer:
    """Installed from PyPI into an environment of its own. Raises ``Absent``."""
    program = _installed("checkov", CHECKOV) / "checkov"
    options = ["--framework", "kubernetes", "--quiet", "--compact", "--skip-download"]
    return Peer("checkov", lambda folder: [str(program), "--directory", str(folder), *options])


def network_config_analyzer(answers: str) -> Peer:
    """Installed from PyPI into an environment of its own. Raises ``Absent``.

    It writes its answers to a file ``answers`` inside the folder.
    """
    program = str(_installed("network-config-analyzer", ANALYZER) / "nca")
    return Peer(
        "network-config-analyzer",
        lambda folder: [
            *(program, "--connectivity", str(folder), "-r", str(folder)),
            *("-o", "txt_no_fw_rules", "-f", str(folder / answers)),
        ],
    )


def _built(name: str) -> str:
    """The program of a Go module. Raises ``Absent``."""
    system = recipe(name)
    try:
        ensure(system, lambda word: print(f"bench: building {name}, {word}", file=sys.stderr))
    except (BuildError, OSError) as error:
        raise Absent(str(error).splitlines()[-1]) from error
    return str(binary(system))


def _installed(package: str, version: str) -> Path:
    """The folder of a package's programs. Raises ``Absent``."""
    place = root() / f"{package}-{version}"
    done = place / "installed"
    if not done.is_file():
        print(f"bench: installing {package}", file=sys.stderr)
        venv.create(place, clear=True, with_pip=True)
        install = [str(place / "bin" / "pip"), "install", "--quiet", f"{package}=={version}"]
        if subprocess.run(install, check=False, capture_output=True).returncode:
            raise Absent("pip could not install it")
        done.touch()
    return place / "bin"


PEERS = (kube_score, checkov)
