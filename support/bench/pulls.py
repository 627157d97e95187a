# SPDX-License-Identifier: Apache-2.0
"""How long does the check of a pull request take, beside scanners that judge the head alone?

``python -m support.bench.pulls [--no-peers]`` makes a repository of 2,000 manifests, one a file,
and a commit that changes ten of them; kguard judges base and head, the others the head.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from support.bench import synthetic
from support.bench.measure import Cost, TooSlow, median
from support.bench.peers import Absent, Peer, checkov, conftest, kube_score

DEPLOYMENTS, POLICIES, CHANGED = 1800, 200, 10
EDITS = ((".0\n", ".1\n"), ("containerPort: 9090", "containerPort: 9091"), ("tier: t", "tier: x"))
"""What the change does to Deployments, in turn: a tag, a port, a label that policies select."""
POLICY_EDIT = ("port: 443", "port: 8443")
BUDGET = 3.0
KGUARD = [sys.executable, "-m", "kguard", "scan", ".", "--quiet"]
CHECK = ["--baseline", "rev:main...HEAD", "--settings-from", "main", "--fail-on-new"]
GOOD_CODES = frozenset({0, 1})


def main(arguments: Sequence[str] = ()) -> int:
    """Print a line for each scanner. Exit code 1 if kguard fails, never for a slow machine."""
    with tempfile.TemporaryDirectory() as name:
        repository = Path(name)
        write(repository)
        root, before = os.environ.get("PYTHONPATH"), Path.cwd()
        os.environ["PYTHONPATH"] = str(Path(__file__).resolve().parents[2])
        os.chdir(repository)
        try:
            cost = median([*KGUARD, *CHECK, "--output", "json"], 3)
            over = "!" if cost.seconds > BUDGET else ""
            _print(f"pull request, {CHANGED} of {DEPLOYMENTS + POLICIES} manifests", cost, over)
            for obtain in () if "--no-peers" in arguments else (conftest, kube_score, checkov):
                _peer(obtain, repository / "deploy", cost)
        finally:
            os.chdir(before)
            os.environ.pop("PYTHONPATH") if root is None else os.environ.update(PYTHONPATH=root)
    return 0 if cost.code in GOOD_CODES else 1


def write(repository: Path) -> None:
    """A repository whose branch `change` alters images, ports and rules of ten manifests."""
    synthetic.write(repository / "all", DEPLOYMENTS, POLICIES)
    folder = repository / "deploy"
    folder.mkdir()
    files = sorted((repository / "all").glob("*.yaml"))
    documents = [d for file in files for d in file.read_text().split("---\n") if d.strip()]
    for number, document in enumerate(documents):
        (folder / f"{number:04}.yaml").write_text(document)
    for file in files:
        file.unlink()
    (repository / "all").rmdir()
    _git(repository, "init", "-q", "-b", "main")
    _commit(repository, "base")
    _git(repository, "checkout", "-q", "-b", "change")
    files = sorted(folder.glob("*.yaml"))
    step = len(files) // CHANGED
    for number, path in enumerate([*files[:DEPLOYMENTS:step], files[-1]]):
        before, after = EDITS[number % len(EDITS)] if number < CHANGED - 1 else POLICY_EDIT
        path.write_text(path.read_text().replace(before, after))
    _commit(repository, "change")


def _commit(repository: Path, message: str) -> None:
    _git(repository, "add", "-A")
    who = ["-c", "user.name=bench", "-c", "user.email=bench@example.com"]
    _git(repository, *who, "commit", "-q", "-m", message)


def _git(repository: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=repository, check=True, capture_output=True)


def _peer(obtain: Callable[[], Peer], folder: Path, ours: Cost) -> None:
    try:
        peer = obtain()
        cost = median(peer.command(folder), 1)
    except (Absent, TooSlow) as reason:
        print(f"bench: {getattr(obtain, '__name__', '')} is left out: {reason}", file=sys.stderr)
        return
    _print(f"  {peer.name}, the head alone", cost, f" {cost.seconds / ours.seconds:6.1f}")


def _print(title: str, cost: Cost, note: str) -> None:
    print(f"{title:44} {cost.seconds:7.2f} {cost.processor:7.2f} {cost.megabytes:6.0f} {note}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
