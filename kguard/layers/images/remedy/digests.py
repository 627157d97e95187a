# SPDX-License-Identifier: Apache-2.0
"""Which built-in policy refuses images that are named by tag?

A ValidatingAdmissionPolicy needs no enforcer. It is written only where every image of the input is
named by its digest already; otherwise those that it would refuse are the counterexample.
"""

from __future__ import annotations

from collections.abc import Iterator

from kguard.layers.images.semantics.digest_rules import GROUP
from kguard.model.facts.images import ImageUse
from kguard.model.manifests import JsonObject
from kguard.model.remedies import Cannot, Create, Proposal, Refused, RemedyRequest

NAME = "images-by-digest"
_FIELDS = ("containers", "initContainers", "ephemeralContainers")


def demand_digests(request: RemedyRequest) -> Iterator[Proposal]:
    """A policy for all pods, with its binding."""
    closes = tuple(finding.fingerprint for finding in request.findings)
    stopped = sorted({f"{u.ref}: {u.image}" for u in request.facts.uses if not _is_pinned(u)})
    if stopped:
        reason = "a policy that denies tags would refuse what runs: pin it first"
        yield Refused(closes, reason, "; ".join(stopped))
    elif closes and request.stage == "enforce":
        why = "the API server then refuses pods whose images are named by tag"
        yield Create(_policy(), closes, why)
        yield Create(_binding(), closes, why)
    elif closes:
        reason = "the policy denies, and this stage does not enforce"
        yield Cannot(closes, reason, "kguard fix --stage enforce")


def _is_pinned(use: ImageUse) -> bool:
    return use.mutability in ("digest", "resolved")


def _policy() -> JsonObject:
    checks = [
        f"(!has(object.spec.{field}) || object.spec.{field}.all(c, c.image.contains('@sha256:')))"
        for field in _FIELDS
    ]
    rule = {
        "apiGroups": [""],
        "apiVersions": ["v1"],
        "operations": ["CREATE", "UPDATE"],
        "resources": ["pods", "pods/ephemeralcontainers"],
    }
    spec = {
        "failurePolicy": "Fail",
        "matchConstraints": {"resourceRules": [rule]},
        "validations": [
            {"expression": " && ".join(checks), "message": "images are named by their digest"}
        ],
    }
    return _object("ValidatingAdmissionPolicy", spec)


def _binding() -> JsonObject:
    spec = {"policyName": NAME, "validationActions": ["Deny"]}
    return _object("ValidatingAdmissionPolicyBinding", spec)


def _object(kind: str, spec: JsonObject) -> JsonObject:
    return {"apiVersion": f"{GROUP}/v1", "kind": kind, "metadata": {"name": NAME}, "spec": spec}
