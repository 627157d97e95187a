# SPDX-License-Identifier: Apache-2.0
"""How long does it take to list every connection, beside the other analyser in Python?

``python -m support.bench.reach`` asks ``kguard network list`` and network-config-analyzer for the
connections of the same pods and policies, and prints a line for each size: wall seconds, peak
memory in MB, how many times kguard's time the other one needs, and on how many of the connections
between pods that either of them lists the two agree, ports included.
"""

from __future__ import annotations

import json
import random
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from support.bench.measure import TooSlow, once
from support.bench.peers import Absent, Peer, network_config_analyzer

Json = dict[str, Any]
SIZES = ((20, 20), (50, 60), (100, 200))
"""Pods and policies."""
PODS_PER_NAMESPACE = 10
TIERS = 3
ANSWERS = "connections.txt"
"""Where the other analyser writes, inside the folder of its input."""
_NAME_LABEL = "kubernetes.io/metadata.name"
_OURS = re.compile(r"^(\S+\[Pod\]) => (\S+\[Pod\]) : TCP (\S+)$", re.MULTILINE)
_THEIRS = re.compile(
    r"^(\S+\[Pod\]) => (\S+\[Pod\]) : \{protocols:TCP,dst_ports:(\S+)\}$", re.MULTILINE
)


def main(sizes: Sequence[tuple[int, int]] = SIZES) -> int:
    """Print the table. Exit code 1 if kguard fails or the two disagree."""
    try:
        peer = network_config_analyzer(ANSWERS)
    except Absent as reason:
        print(f"bench: network-config-analyzer is left out: {reason}", file=sys.stderr)
        peer = None
    name = f"{peer.name} s" if peer else ""
    print(
        f"\n{'every connection of':38} {'s':>7} {'MB':>6} {name:>25} {'MB':>6} {'ratio':>6}  agree"
    )
    with tempfile.TemporaryDirectory() as place:
        return max(_line(Path(place), *size, peer) for size in sizes)


def _line(place: Path, pods: int, policies: int, peer: Peer | None) -> int:
    folder = place / str(pods)
    write(folder, pods, policies)
    command = [sys.executable, "-m", "kguard", "network", "list", str(folder)]
    once(command)  # compiles the modules
    cost = once(command)
    title = f"{pods} pods, {policies} policies"
    ours = f"{title:38} {cost.seconds:7.2f} {cost.megabytes:6.0f}"
    if peer is None:
        print(ours)
        return int(cost.code != 0)
    try:
        other = once(peer.command(folder))
    except TooSlow as reason:
        print(f"{ours} {reason!s:>25}")
        return int(cost.code != 0)
    same, all_of_them = agreement(_text(command), (folder / ANSWERS).read_text())
    ratio = other.seconds / cost.seconds
    theirs = f"{other.seconds:25.2f} {other.megabytes:6.0f} {ratio:6.1f}"
    print(f"{ours} {theirs}  {same} of {all_of_them}", flush=True)
    return int(cost.code != 0 or same != all_of_them)


def agreement(ours: str, theirs: str) -> tuple[int, int]:
    """How many connections between pods both list, and how many at least one lists."""
    found, others = set(_OURS.findall(ours)), set(_THEIRS.findall(theirs))
    return len(found & others), len(found | others)


def _text(command: Sequence[str]) -> str:
    return subprocess.run(command, check=False, capture_output=True, text=True).stdout


def write(folder: Path, pods: int, policies: int) -> None:
    """Write namespaces, pods and policies as one file; the same numbers give the same bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    names = [f"team-{number}" for number in range(max(1, pods // PODS_PER_NAMESPACE))]
    items = [*_spaces(names), *_pods(pods, names), *_policies(policies, pods, names)]
    text = "\n---\n".join(json.dumps(item) for item in items)
    (folder / "all.yaml").write_text(text + "\n")


def _spaces(names: Sequence[str]) -> Iterator[Json]:
    for name in names:
        metadata = {"name": name, "labels": {_NAME_LABEL: name}}
        yield {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}


def _pods(count: int, names: Sequence[str]) -> Iterator[Json]:
    ports = [{"containerPort": 8080, "name": "http"}, {"containerPort": 9090, "name": "metrics"}]
    spec = {"containers": [{"name": "main", "image": "app", "ports": ports}]}
    for number in range(count):
        name, space = f"app-{number}", names[number % len(names)]
        labels = {"app": name, "tier": f"t{number % TIERS}"}
        metadata = {"name": name, "namespace": space, "labels": labels}
        status = {"podIP": f"10.64.{number // 250}.{number % 250 + 1}", "hostIP": "192.168.49.2"}
        yield {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec} | {
            "status": status
        }


def _policies(count: int, pods: int, names: Sequence[str]) -> Iterator[Json]:
    chance = random.Random(1)
    for number in range(count):
        peers = [
            {"podSelector": {"matchLabels": {"tier": f"t{chance.randrange(TIERS)}"}}},
            {"namespaceSelector": {"matchLabels": {_NAME_LABEL: chance.choice(names)}}},
        ]
        ports = [{"protocol": "TCP", "port": chance.choice((8080, 9090, "http"))}]
        tier, app = f"t{chance.randrange(TIERS)}", f"app-{chance.randrange(pods)}"
        block = {"ipBlock": {"cidr": f"10.{number % 60}.0.0/16"}}
        outside = {"to": [block], "ports": [{"protocol": "TCP", "port": 443}]}
        spec = {
            "podSelector": {"matchLabels": {"tier": tier} if number % 3 else {"app": app}},
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [{"from": peers, "ports": ports}],
            "egress": [{"to": peers, "ports": ports}, outside],
        }
        metadata = {"name": f"policy-{number}", "namespace": names[number % len(names)]}
        kind = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy"}
        yield {**kind, "metadata": metadata, "spec": spec}


if __name__ == "__main__":
    sys.exit(main())
