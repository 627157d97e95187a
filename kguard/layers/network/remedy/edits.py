# SPDX-License-Identifier: Apache-2.0
"""How are policies mended that say something else than they do?"""

from __future__ import annotations

from collections.abc import Iterator

from kguard.layers.network.remedy.flows import admission
from kguard.layers.network.remedy.scene import Scene
from kguard.layers.network.semantics.addresses import AddressRange, network_range
from kguard.layers.network.semantics.policy import Direction, PodPolicy, Rule
from kguard.model.findings import Finding
from kguard.model.manifests import mapping, sequence
from kguard.model.remedies import Cannot, Edit, Operation, Proposal, RemedyRequest

METADATA = "169.254.169.254/32"
_PORT = 80


def put_in_force(request: RemedyRequest) -> Iterator[Proposal]:
    """Let policyTypes list the direction of rules that nobody reads, and admit what is meant."""
    scene = Scene(request)
    for finding in request.findings:
        manifest = request.inventory.by_id(finding.target.id)
        types = sequence(mapping(mapping(manifest.object).get("spec")).get("policyTypes"))
        place = f"/spec/policyTypes/{len(types)}"
        yield Edit(
            ref=manifest.id,
            operations=(Operation("add", place, finding.path.capitalize()),),
            closes=(finding.fingerprint,),
            why=f"the {finding.path} rules are meant to restrict",
        )
        yield from _meant(scene, finding, manifest.id)


def _meant(scene: Scene, finding: Finding, ref: str) -> Iterator[Proposal]:
    """What the pods of the policy need besides its own rules: names, the mesh, declared peers."""
    reach = scene.openness.cluster.reach
    policy = next(policy for policy in reach.policies if policy.id == ref)
    chosen = reach.subject(policy).may
    for index in range(len(scene.workloads)):
        if not chosen >> reach.classes.of_endpoint[index] & 1:
            continue
        flows = scene.into(index) if finding.path == "ingress" else scene.out_of(index)
        known = [flow for flow in flows if flow.basis != "outside"]
        if known and not reach.row_of(_direction(finding.path), index).isolated:
            entries = [(flow, finding) for flow in known]
            yield admission(scene, finding.path, index, entries)


def _direction(text: str) -> Direction:
    return "ingress" if text == "ingress" else "egress"


def except_metadata(request: RemedyRequest) -> Iterator[Proposal]:
    """Take the metadata service out of the address blocks that cover it."""
    scene = Scene(request)
    reach = scene.openness.cluster.reach
    edits: dict[str, tuple[dict[str, Operation], list[str]]] = {}
    for index, closes in scene.by_workload(request.findings).items():
        for number in reach.row_of("egress", index).policies:
            policy = reach.policies[number]
            operations = {entry.pointer: entry for entry in _holes(policy, request)}
            if operations:
                known, fingerprints = edits.setdefault(policy.id, ({}, []))
                known |= operations
                fingerprints += closes
    closed = {fingerprint for _, found in edits.values() for fingerprint in found}
    for ref, (operations, closes) in sorted(edits.items()):
        why = "no address block should cover the metadata service"
        ordered = tuple(entry for _, entry in sorted(operations.items()))
        yield Edit(ref, ordered, tuple(sorted(set(closes))), why)
    left = tuple(f.fingerprint for f in request.findings if f.fingerprint not in closed)
    if left:
        yield Cannot(left, "no address block of a policy covers the metadata service")


def _holes(policy: PodPolicy, request: RemedyRequest) -> Iterator[Operation]:
    manifest = request.inventory.by_id(policy.id)
    for rule in policy.rules("egress"):
        for number, peer in enumerate(rule.peers):
            if peer.block is None or not _concerns(rule) or not _covers(peer.block.ranges):
                continue
            spec = mapping(manifest.object).get("spec")
            written = mapping(spec)["egress"][int(rule.pointer.rpartition("/")[2])]["to"][number]
            have = sequence(written["ipBlock"].get("except"))
            place = f"{peer.pointer}/ipBlock/except"
            if have:
                yield Operation("add", f"{place}/{len(have)}", METADATA)
            else:
                yield Operation("add", place, [METADATA])


def _concerns(rule: Rule) -> bool:
    return not rule.ports or any(
        term.protocol == "TCP" and not term.name and term.low <= _PORT <= term.high
        for term in rule.ports
    )


def _covers(ranges: tuple[AddressRange, ...]) -> bool:
    wanted = network_range(METADATA)
    same = [entry for entry in ranges if entry.family == wanted.family]
    return any(entry.low <= wanted.low <= entry.high for entry in same)
