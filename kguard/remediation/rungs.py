# SPDX-License-Identifier: Apache-2.0
"""Which new findings are no harm, but the next rung of a ladder that a remedy has begun?

A pod that comes into a mesh offers mutual TLS before it asks for it: that it was outside is closed,
that it still accepts plaintext is new. Policies say so of themselves: `follows` in their METADATA
names the policies whose findings they may take the place of. That nothing became weaker is the
business of the layers' orders, which a remedy has to pass as well.
"""

from __future__ import annotations

from kguard.model.findings import Finding, Report
from kguard.model.manifests import ObjectRef


def fresh(before: Report, after: Report) -> list[Finding]:
    """Open findings that were not there before."""
    known = {finding.fingerprint for finding in before.findings}
    return [f for f in after.findings if f.state == "open" and f.fingerprint not in known]


def next_rung(before: Report, after: Report) -> list[Finding]:
    """Those of them that take the place of a finding that is closed now."""
    followers = {name: policy.follows for name, policy in before.policies.items() if policy.follows}
    new = [finding for finding in fresh(before, after) if finding.policy in followers]
    if not new:
        return []
    left = {finding.fingerprint for finding in after.findings}
    closed = [f for f in before.findings if f.state == "open" and f.fingerprint not in left]
    return [
        finding
        for finding in new
        if any(
            one.policy in followers[finding.policy] and _covers(one.target, finding.target)
            for one in closed
        )
    ]


def _covers(outer: ObjectRef, inner: ObjectRef) -> bool:
    """Whether a finding about `outer` is about `inner` as well: the object, or its namespace."""
    same_cluster = outer.cluster == inner.cluster
    around = outer.kind == "Namespace" and outer.name == inner.namespace
    return outer == inner or (around and same_cluster)
