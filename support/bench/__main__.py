# SPDX-License-Identifier: Apache-2.0
"""What does ``python -m support.bench`` measure, and against which budget?"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from support.bench import audit, placement, reach, rules, synthetic
from support.bench.measure import Cost, TooSlow, median
from support.bench.peers import PEERS, Absent, Peer

ROOT = Path(__file__).resolve().parents[2]
MESH = [sys.executable, "-m", "support.bench.mesh", "10000", "2000", "1000"]
REGISTRY = [sys.executable, "-m", "support.bench.registry", "1000"]
KGUARD = [sys.executable, "-m", "kguard"]
GOOD_CODES = frozenset({0, 1, 3})
SLOW_PEER_OBJECTS = 1500
"""Larger inputs are for the fast peers: checkov needs minutes for them."""


class Work(NamedTuple):
    """One line of the table; a budget of 0 is none. Peers run where there is a folder."""

    title: str
    command: list[str]
    folder: Path | None
    seconds: float
    megabytes: float
    objects: int = 0
    runs: int = 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table. Exit code 1 if a run of kguard fails, never for a slow machine."""
    options = _parser().parse_args(arguments)
    os.chdir(ROOT)
    peers = [] if options.no_peers else _peers()
    _header(peers)
    with tempfile.TemporaryDirectory() as folder:
        works = _works(Path(folder), small=options.small)
        costs = [(work, _line(work, peers)) for work in works]
        mesh = subprocess.run(MESH, check=False).returncode
        signed = subprocess.run([*REGISTRY, "0" if options.no_peers else "100"], check=False)
    audited = audit.main(["100000"] if options.small else [])
    listed = 0 if options.no_peers else reach.main()
    load = os.getloadavg()[0]
    print(f"\n! over budget; ratio: how many times kguard's time a peer needs; load {load:.1f}")
    print("\n".join(growth(costs)))
    good = all(cost.code in GOOD_CODES for _, cost in costs)
    return 0 if good and mesh == signed.returncode == listed == audited == 0 else 1


def growth(costs: Sequence[tuple[Work, Cost]]) -> Iterator[str]:
    """How time and memory grow with the input: no faster than it, if the scan is linear."""
    scans = [(work, cost) for work, cost in costs if work.objects]
    for work, cost in scans[1:]:
        first, least = scans[0]
        yield (
            f"{work.objects / first.objects:.1f} times the objects of `{first.title}`:"
            f" {cost.seconds / least.seconds:.1f} times the time,"
            f" {cost.processor / least.processor:.1f} times the processor time,"
            f" {cost.megabytes / least.megabytes:.1f} times the memory"
        )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench", description="Measure kguard beside its peers")
    parser.add_argument("--no-peers", action="store_true", help="measure kguard alone")
    parser.add_argument("--small", action="store_true", help="leave out the largest inputs")
    return parser


def _peers() -> list[Peer]:
    found = []
    for obtain in PEERS:
        try:
            found.append(obtain())
        except Absent as reason:
            print(f"bench: {obtain.__name__} is left out: {reason}", file=sys.stderr)
    return found


def _works(folder: Path, *, small: bool) -> Sequence[Work]:
    works = [Work("kguard --version", [*KGUARD, "--version"], None, 0.15, 0, runs=9)]
    works.append(_application())
    sizes = [(1000, 100, 1.0, 200.0), (3000, 300, 2.5, 0.0), (10_000, 1000, 7.0, 700.0)]
    for deployments, policies, seconds, megabytes in sizes[:1] if small else sizes:
        place = folder / str(deployments)
        synthetic.write(place, deployments, policies)
        title = f"{deployments:,} Deployments, {policies:,} policies"
        objects = deployments + policies
        works.append(Work(title, _scan(place), place, seconds, megabytes, objects, runs=3))
    works += _runtime(folder)
    works += [_kernel(1000, 200, 0, 0), _kernel(10_000, 2000, 1.0, 200.0)]
    large = [_kernel(30_000, 3000, 0, 0), _kernel(100_000, 5000, 15.0, 0)]
    return works if small else [*works, *large]


def _corpus(name: str) -> Path:
    """A copy of somebody's project, where one lies beside the checkout."""
    shared = Path(os.environ.get("KGUARD_SHARED") or ROOT.parent / "shared")
    return shared / "corpus" / name


def _application() -> Work:
    """Online Boutique where a copy lies beside the checkout, else the project's own example."""
    boutique = _corpus("online-boutique") / "kubernetes-manifests"
    title, folder = "Online Boutique", boutique
    if not boutique.is_dir():
        title, folder = "examples/shop", ROOT / "examples" / "shop"
    return Work(title, _scan(folder), folder, 0.6, 0, runs=5)


def _scan(folder: Path) -> list[str]:
    return [*KGUARD, "scan", "--quiet", "--output", "json", str(folder)]


def _runtime(folder: Path) -> Iterator[Work]:
    """Falco: rules that two overrides kill, the upstream rules with overrides, and placement."""
    killed = rules.write(folder / "rules", 5000)
    yield Work("runtime: 5,000 rules, all killed", _rules(killed), None, 10.0, 0)
    over = folder / "falco_rules.local.yaml"
    over.write_text(rules.SABOTAGE)
    upstream = [_corpus("falco-rules") / name for name in rules.UPSTREAM]
    if all(path.is_file() for path in upstream):
        title = "runtime: upstream rules, overrides"
        yield Work(title, _rules([*upstream, over]), None, 1.0, 0, runs=3)
    else:
        print("bench: the upstream rules of Falco are left out: no copy of them", file=sys.stderr)
    cluster = placement.write(folder / "placement", 1000, 20)
    command = [*KGUARD, "runtime", "coverage", "--daemonset", "*", str(cluster)]
    yield Work("runtime: 1,000 nodes, 20 DaemonSets", command, None, 1.0, 0, runs=3)


def _rules(files: Iterable[Path]) -> list[str]:
    return [*KGUARD, "runtime", "rules", *map(str, files)]


def _kernel(pods: int, policies: int, seconds: float, megabytes: float) -> Work:
    command = [sys.executable, "-m", "support.bench.kernel", str(pods), str(policies)]
    title = f"kernel: {pods:,} pods, {policies:,} policies"
    return Work(title, command, None, seconds, megabytes)


def _header(peers: Sequence[Peer]) -> None:
    columns = "".join(f" {peer.name + ' s':>13} {'ratio':>6}" for peer in peers)
    print(f"{'work':38} {'s':>7} {'budget':>7} {'cpu s':>7} {'MB':>6} {'budget':>7} {columns}")


def _line(work: Work, peers: Sequence[Peer]) -> Cost:
    if work.runs > 1:
        median(work.command, 1)  # compiles the modules, and fills the file cache for everybody
    cost = median(work.command, work.runs)
    others = "".join(_column(peer, work, cost.seconds) for peer in peers)
    verdict = "" if cost.code in GOOD_CODES else f"  exit code {cost.code}"
    times = f"{cost.seconds:7.2f} {_budget(cost.seconds, work.seconds)} {cost.processor:7.2f}"
    memory = f"{cost.megabytes:6.0f} {_budget(cost.megabytes, work.megabytes)}"
    print(f"{work.title:38} {times} {memory} {others}{verdict}", flush=True)
    return cost


def _budget(measured: float, allowed: float) -> str:
    if not allowed:
        return f"{'-':>7}"
    return f"{allowed:6g}{'!' if measured > allowed else ' '}"


def _column(peer: Peer, work: Work, ours: float) -> str:
    """Seconds of a peer, and how many times kguard's time that is."""
    if work.folder is None or (peer.name == "checkov" and work.objects > SLOW_PEER_OBJECTS):
        return f" {'-':>13} {'-':>6}"
    try:
        cost = median(peer.command(work.folder), 1)
    except TooSlow as reason:
        return f" {reason!s:>13} {'-':>6}"
    return f" {cost.seconds:13.2f} {cost.seconds / ours:6.1f}"


if __name__ == "__main__":
    sys.exit(main())
