# SPDX-License-Identifier: Apache-2.0
"""How are exceptions for single ports taken back, or made where the API server needs them?

The name of the first remedy sorts after `strict`: a STRICT port of a workload that is not STRICT
itself fails open in ambient, so the workload comes first.
"""

from __future__ import annotations

from collections.abc import Iterator

from kguard.layers.mtls.remedy.policies import (
    callers_of,
    edit,
    fact_of,
    for_api_server,
    in_words,
    manifest_of,
    named,
    set_mode,
    titled,
    too_early,
    workload_of,
    workload_policy,
)
from kguard.model.facts import mtls as model
from kguard.model.findings import Finding
from kguard.model.remedies import Cannot, Proposal, Refused, RemedyRequest


def strict_port(request: RemedyRequest) -> Iterator[Proposal]:
    """Make exempted ports STRICT, unless someone is known to need the exemption."""
    early = too_early(request, "enforce")
    if early:
        yield early
        return
    for finding in request.findings:
        yield _close(request, finding)


def _close(request: RemedyRequest, finding: Finding) -> Proposal:
    facts: model.Facts = request.facts
    port = next(iter(named(finding)), "")
    for caller in callers_of(facts, finding.target):
        if caller.port == port:
            reason = f"a caller of port {port} shows no mesh identity: put it into the mesh first"
            return Refused((finding.fingerprint,), reason, in_words(caller))
    group = _group(facts, finding, port)
    if group and group.exemption == "documented" and not request.tighten:
        reason = f"its policy gives a reason until {group.until}; --tighten closes it before"
        return Refused((finding.fingerprint,), reason, group.decided_by)
    policy = titled(facts, group.decided_by) if group else None
    manifest = manifest_of(request.inventory, policy.ref) if policy else None
    if manifest is None:
        reason = "the policy that exempts the port is not in the input"
        return Cannot((finding.fingerprint,), reason)
    why = f"no caller without mesh identity is known for port {port} of {finding.target.name}"
    operation = set_mode(manifest, "STRICT", ("portLevelMtls", port))
    return edit(manifest, [operation], [finding.fingerprint], why)


def _group(facts: model.Facts, finding: Finding, port: str) -> model.Ports | None:
    fact = fact_of(facts, finding.target)
    return next((group for group in fact.modes if port in group.ports), None) if fact else None


def except_webhook(request: RemedyRequest) -> Iterator[Proposal]:
    """Let the API server in where it calls: on exactly these ports."""
    for finding in request.findings:
        ports = named(finding)
        why = f"the API server calls port {', '.join(ports)} without mesh identity"
        workload = workload_of(request.inventory, finding.target)
        if workload is not None and workload.labels:
            exceptions = for_api_server(request, ports)
            closes = [finding.fingerprint]
            yield workload_policy(request, workload, "STRICT", exceptions, closes, why)
        else:
            reason = "its pods have no labels that a policy could select"
            yield Cannot((finding.fingerprint,), reason)
