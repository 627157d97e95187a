# SPDX-License-Identifier: Apache-2.0
"""How do workloads come to ask for mutual TLS, without cutting off who cannot give it?

The policy that wins is changed, or the one of the namespace (of the mesh, where the input is the
whole cluster) is written. Ports whose callers show no identity are exempted, each with the reason
and for a limited time. A workload of which no other port is left keeps its mode by a policy of its
own, and its finding is refused with the callers' names.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from kguard.layers.mtls.remedy.blockers import Blocker, blockers, listed, only_some_ports
from kguard.layers.mtls.remedy.policies import (
    API_SERVER,
    CALLER_DAYS,
    accounted,
    edit,
    for_api_server,
    manifest_of,
    scope_policy,
    set_mode,
    titled,
    workload_of,
    workload_policy,
)
from kguard.model.facts import mtls as model
from kguard.model.findings import Finding
from kguard.model.remedies import Cannot, Create, Edit, Proposal, Refused, RemedyRequest


class _Step(msgspec.Struct):
    """One policy to raise, and the workloads whose mode it decides."""

    policy: model.PeerAuthentication | None
    namespace: str
    workloads: list[model.Workload] = []
    closes: list[str] = []


def strict(request: RemedyRequest) -> Iterator[Proposal]:
    """Raise what decides to STRICT, as far as the stage allows."""
    steps = _steps(request)
    for step in steps:
        if request.stage == "enforce":
            yield from _enforce(request, step)
        else:
            yield from _prepare(request, step)


def _steps(request: RemedyRequest) -> list[_Step]:
    facts: model.Facts = request.facts
    by_target = {finding.target.id: finding for finding in request.findings}
    mesh = by_target.get(facts.mesh.ref.id)
    found: dict[str, _Step] = {}
    if mesh:
        _step(found, facts, facts.mesh.root).closes.append(mesh.fingerprint)
    for workload in facts.workloads:
        group = _open_group(workload)
        if group is None:
            continue
        step = _step_of(found, facts, workload, group, whole_mesh=mesh is not None)
        step.workloads.append(workload)
        finding: Finding | None = by_target.get(workload.ref.id)
        if finding:
            step.closes.append(finding.fingerprint)
    return [step for _, step in sorted(found.items()) if step.closes]


def _open_group(workload: model.Workload) -> model.Ports | None:
    """The ports that accept plaintext because of a policy for all of them."""
    for group in workload.modes:
        if group.effective in ("permissive", "disable") and group.decided_at != "port":
            return group
    return None


def _step_of(
    found: dict[str, _Step],
    facts: model.Facts,
    workload: model.Workload,
    group: model.Ports,
    *,
    whole_mesh: bool,
) -> _Step:
    policy = titled(facts, group.decided_by)
    if policy is None:
        place = facts.mesh.root if whole_mesh else workload.ref.namespace
        return _step(found, facts, place)
    return found.setdefault(policy.ref.id, _Step(policy, policy.ref.namespace, [], []))


def _step(found: dict[str, _Step], facts: model.Facts, namespace: str) -> _Step:
    """The step for a namespace or the mesh: its policy without mode, if there is one."""
    scope = "mesh" if namespace == facts.mesh.root else "namespace"
    policy = next(
        (
            p
            for p in facts.policies
            if p.scope == scope and p.state == "decides" and p.ref.namespace == namespace
        ),
        None,
    )
    key = policy.ref.id if policy else f"namespace {namespace}"
    return found.setdefault(key, _Step(policy, namespace, [], []))


def _enforce(request: RemedyRequest, step: _Step) -> Iterator[Proposal]:
    blocked = {w.ref.id: blockers(request, w) for w in step.workloads}
    exempt = {w.ref.id: only_some_ports(w, blocked[w.ref.id]) for w in step.workloads}
    kept = [w for w in step.workloads if blocked[w.ref.id] and not exempt[w.ref.id]]
    refused = {w.ref.id: blocked[w.ref.id] for w in kept}
    turned_down = set()
    for finding in request.findings:
        if finding.target.id in refused:
            turned_down.add(finding.fingerprint)
            reason = f"STRICT would cut off who calls {finding.target.name}"
            counterexample = listed(refused[finding.target.id])
            yield Refused((finding.fingerprint,), reason, counterexample)
    closes = [fingerprint for fingerprint in step.closes if fingerprint not in turned_down]
    if not closes:
        yield from _previous_rung(request, step)
        return
    if step.policy is None or step.policy.scope != "workload":
        for workload in kept:
            yield from _keep(request, workload, closes)
    for workload in step.workloads:
        if workload.ref.id not in refused:
            yield from _exceptions(request, workload, blocked[workload.ref.id], closes)
    yield _raise(request, step, "STRICT", closes)


def _previous_rung(request: RemedyRequest, step: _Step) -> Iterator[Edit]:
    """Where STRICT must wait, mutual TLS is let in at least."""
    policy = step.policy
    manifest = manifest_of(request.inventory, policy.ref) if policy else None
    if policy and manifest and policy.mode == "disable":
        why = f"{manifest.ref} lets mutual TLS in: PERMISSIVE, the rung before STRICT"
        yield edit(manifest, [set_mode(manifest, "PERMISSIVE")], [], why)


def _keep(
    request: RemedyRequest, fact: model.Workload, closes: list[str]
) -> Iterator[Create | Edit]:
    """Hold a workload where it is, while everything around it becomes STRICT."""
    workload = workload_of(request.inventory, fact.ref)
    if workload is None or not workload.labels:
        return
    why = f"{fact.ref.name} is called by someone without mesh identity: it stays PERMISSIVE"
    yield workload_policy(request, workload, "PERMISSIVE", {}, closes, why)


def _exceptions(
    request: RemedyRequest, fact: model.Workload, found: list[Blocker], closes: list[str]
) -> Iterator[Create | Edit]:
    """The smallest set of ports that stays open when the workload becomes STRICT."""
    called = [
        port
        for group in fact.modes
        if group.caller == "apiserver" and group.decided_at != "port"
        for port in group.ports
    ]
    ports = for_api_server(request, called)
    for blocker in found:
        ports[blocker.port] = accounted(request, blocker.reason, CALLER_DAYS)
    workload = workload_of(request.inventory, fact.ref)
    if ports and workload and workload.labels:
        who = found[0].reason if found else API_SERVER
        why = f"{fact.ref.name} is STRICT but for port {', '.join(sorted(ports, key=int))}: {who}"
        yield workload_policy(request, workload, "STRICT", ports, closes, why)


def _raise(request: RemedyRequest, step: _Step, mode: str, closes: list[str]) -> Create | Edit:
    manifest = manifest_of(request.inventory, step.policy.ref) if step.policy else None
    beware = "that nobody else calls in plaintext, only telemetry can prove"
    if manifest is None:
        mesh = step.namespace == request.facts.mesh.root
        reach = "the whole mesh" if mesh else f"namespace {step.namespace}"
        why = f"{mode} mutual TLS in {reach}; {beware}"
        return scope_policy(request.inventory, step.namespace, mode, closes, why)
    why = f"{manifest.ref} is the policy that decides: {mode}; {beware}"
    return edit(manifest, [set_mode(manifest, mode)], closes, why)


def _prepare(request: RemedyRequest, step: _Step) -> Iterator[Proposal]:
    """The rungs before STRICT: nothing is refused yet."""
    if request.stage == "warn" and step.policy is None:
        why = "PERMISSIVE said explicitly, the rung before STRICT"
        yield scope_policy(request.inventory, step.namespace, "PERMISSIVE", [], why)
    elif request.stage == "warn":
        yield from _previous_rung(request, step)
    reason = f"the stage {request.stage} refuses no plaintext yet"
    yield Cannot(tuple(sorted(step.closes)), reason, "run again with --stage enforce")
