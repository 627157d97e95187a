# SPDX-License-Identifier: Apache-2.0
"""What did the evaluators of kube-network-policies decide about random packets, and what do we say?

A pod with addresses of both families stands as two pods: a packet has one of them.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from kguard.inventory import build
from kguard.layers.network.semantics.addresses import AddressRange, address
from kguard.layers.network.semantics.cluster import Cluster
from kguard.layers.network.semantics.policy import DIRECTIONS, NAMESPACED, Direction
from kguard.layers.network.semantics.profiles import PROFILES
from kguard.model.manifests import Collected, Manifest, SourceText

POD = PROFILES["kube-network-policies"]
DIRECTION = msgspec.structs.replace(POD, baseline="direction")
_TIERS = {"admin": "Admin", "namespaced": "NetworkPolicy", "baseline": "Baseline"}

Verdict = tuple[str, str]


def cases(folder: Path) -> Iterator[dict[str, Any]]:
    """The recorded clusters with their packets."""
    text = gzip.decompress((folder / "cnp.ndjson.gz").read_bytes())
    yield from map(json.loads, text.splitlines())


def packets(folder: Path) -> Iterator[tuple[str, Any, Any]]:
    """Verdict and deciding tier of both directions for every packet, cluster by cluster."""
    for case in cases(folder):
        world = World(case)
        recorded = [
            (*map(tuple, (p["egress"], p["ingress"])), p["allowed"]) for p in case["packets"]
        ]
        yield case["id"], recorded, [world.answer(packet) for packet in case["packets"]]


def per_direction(folder: Path) -> Iterator[tuple[str, Any, Any]]:
    """The same in the other reading of "selected by a NetworkPolicy": the verdicts alone."""
    for case in cases(folder):
        world = World(case, DIRECTION)
        recorded = [p.get("allowed_per_direction", p["allowed"]) for p in case["packets"]]
        yield case["id"], recorded, [world.answer(packet)[2] for packet in case["packets"]]


class World:
    """A recorded cluster, ready for packets."""

    def __init__(self, case: dict[str, Any], profile: Any = POD) -> None:
        objects = [one for value in case["objects"] for one in _single_stack(value)]
        found = [Manifest(value, SourceText("", n, 1, "")) for n, value in enumerate(objects)]
        ends = {packet[end] for packet in case["packets"] for end in ("src", "dst")}
        self._marks = {text: _address(text) for text in sorted(ends)}
        self._cluster = Cluster(
            build(Collected(manifests=found)),
            profile,
            whole=True,
            marks=list(self._marks.values()),
            domains=case["domains"],
        )
        self._whole_pod = profile.baseline == "pod"
        self._pods = {w.name: n for n, w in enumerate(self._cluster.workloads)}

    def answer(self, packet: dict[str, Any]) -> tuple[Verdict, Verdict, bool]:
        """Egress of the source, ingress of the destination, and both."""
        out = self._side("egress", packet, "src", "dst")
        into = self._side("ingress", packet, "dst", "src")
        return out, into, out[0] == into[0] == "accept"

    def _side(self, direction: Direction, packet: dict[str, Any], own: str, far: str) -> Verdict:
        if packet[f"{own}_pod"] is None:
            return "accept", "default"
        reach = self._cluster.reach
        number = reach.classes.of_endpoint[self._pods[_name(packet, own)]]
        bit = self._bit(direction, packet, far)
        atom = reach.ports.of_port(packet["proto"], packet["dport"])
        ports = reach.allowed(direction, number, bit)
        words = {(True, True): "accept", (False, False): "deny"}
        verdict = words.get((bool(ports.must & atom), bool(ports.may & atom)), "unknown")
        return verdict, self._tier(direction, number, bit, atom)

    def _bit(self, direction: Direction, packet: dict[str, Any], end: str) -> int:
        reach = self._cluster.reach
        if packet[f"{end}_pod"] is not None:
            return reach.classes.of_endpoint[self._pods[_name(packet, end)]]
        atoms = reach.addresses[direction].of_range(self._marks[packet[end]])
        return reach.classes.count + atoms.bit_length() - 1

    def _tier(self, direction: Direction, number: int, bit: int, atom: int) -> str:
        reach = self._cluster.reach
        for decision in reach.decisions(direction, number, bit, atom):
            if decision.action != "pass":
                return _TIERS[reach.policies[decision.policy].tier.name]
        # That tool names the NetworkPolicy of the other direction, whatever it leaves undecided.
        chosen = [n for side in DIRECTIONS for n in reach.selected[side][number]]
        last = any(reach.policies[n].tier == NAMESPACED for n in chosen)
        return "NetworkPolicy" if last and self._whole_pod else "default"


def _name(packet: dict[str, Any], end: str) -> str:
    return f"{packet[f'{end}_pod'].partition('/')[2]}.{packet[end].replace(':', '-')}"


def _address(text: str) -> AddressRange:
    found = address(text)
    assert found is not None
    return found


def _single_stack(value: dict[str, Any]) -> list[dict[str, Any]]:
    if value["kind"] != "Pod":
        return [value]
    found = []
    for entry in value["status"]["podIPs"]:
        name = f"{value['metadata']['name']}.{entry['ip'].replace(':', '-')}"
        status = {"podIP": entry["ip"], "podIPs": [entry]}
        found.append({**value, "metadata": {**value["metadata"], "name": name}, "status": status})
    return found
