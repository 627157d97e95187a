# SPDX-License-Identifier: Apache-2.0
"""Which digest should a manifest name?

The tag stays beside the digest (`repository:tag@sha256:...`), as policy-controller writes it: the
runtime takes the digest, people read the tag.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kguard.model.facts.images import Facts, ImageUse
from kguard.model.findings import Finding
from kguard.model.remedies import Cannot, Edit, Operation, Proposal, Refused, RemedyRequest

_SOURCES = {
    "revision_status": "the status of the revision",
    "pod_status": "the status of its pods",
    "registry_tag": "the registry",
}
_BAD = ("tampered", "not_found", "expired_or_untimed")


def uses_by_finding(
    facts: Facts, findings: Iterable[Finding]
) -> Iterator[tuple[Finding, ImageUse]]:
    """The image use that each finding is about."""
    uses = {(use.ref, f"{use.role}/{use.container}"): use for use in facts.uses}
    for finding in findings:
        use = uses.get((finding.target, finding.path))
        if use is not None:
            yield finding, use


def pin(request: RemedyRequest) -> Iterator[Proposal]:
    """Name the digest that the evidence, or a revision's status, knows for the tag."""
    for finding, use in uses_by_finding(request.facts, request.findings):
        if use.origin == "pod":
            yield _injected(finding, use)
        elif use.alike == "false":
            reason = f"its pods run different images under {use.image}; which is meant is not known"
            yield Refused((finding.fingerprint,), reason, ", ".join(use.running))
        elif not use.digest:
            yield _unknown(finding, use)
        elif use.signature in _BAD:
            reason = f"the digest that {use.image} names is not sound: {use.signature_reason}"
            yield Refused((finding.fingerprint,), reason, f"{use.image} is {use.digest}")
        else:
            yield _edit(finding, use)


def _injected(finding: Finding, use: ImageUse) -> Cannot:
    return Cannot(
        (finding.fingerprint,),
        f"{use.container} is in the pods only, and not in what makes them",
        "name the digest where it comes from: the settings of the injector, or the debug command",
    )


def _unknown(finding: Finding, use: ImageUse) -> Cannot:
    return Cannot(
        (finding.fingerprint,),
        f"which digest {use.image} names is not known",
        f"crane digest {use.image}, or ask the registry (--registry)",
    )


def _edit(finding: Finding, use: ImageUse) -> Edit:
    pinned = f"{use.image}@{use.digest}"
    source = _SOURCES.get(use.how, "the evidence")
    return Edit(
        use.manifest,
        (Operation("replace", use.pointer, pinned),),
        (finding.fingerprint,),
        f"{use.image} is {use.digest}, as {source} says",
    )
