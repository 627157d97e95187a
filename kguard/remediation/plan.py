# SPDX-License-Identifier: Apache-2.0
"""Which proposals are accepted, and which are refused because they would do harm?

The proposals of one remedy are applied together and the whole input is judged again. If
something would be cut, weakened or opened, or if a new finding appeared, they are tried one by
one, so that exactly the harmful ones are refused, each with its counterexample.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Literal, Protocol

import msgspec

from kguard import layers
from kguard.errors import RemediationError
from kguard.inventory import Inventory
from kguard.model.findings import FAMILIES, Finding, Report, severity_at_least
from kguard.model.manifests import Collected
from kguard.model.remedies import (
    Cannot,
    Create,
    Edit,
    PolicyKind,
    Proposal,
    Refused,
    RemedyRequest,
    WriteFile,
)
from kguard.remediation.apply import Applied, apply
from kguard.remediation.proof import Closed, Flows, Proof, Remaining
from kguard.remediation.readings import ScanAs, readings
from kguard.remediation.rungs import fresh, next_rung

Applicable = Create | Edit | WriteFile


class State(Protocol):
    """What a scan yields: report, inventory and facts structs by layer."""

    @property
    def report(self) -> Report:
        """The findings."""

    @property
    def inventory(self) -> Inventory:
        """The typed index of the input."""

    @property
    def facts(self) -> dict[str, Any]:
        """The facts structs by layer."""


Scan = Callable[[Collected], State]


class Wishes(msgspec.Struct, frozen=True):
    """How far the user wants to go."""

    stage: Literal["observe", "warn", "enforce"] = "enforce"
    tighten: bool = False
    policy_kind: PolicyKind = "NetworkPolicy"


class Plan(msgspec.Struct):
    """The accepted proposals, applied, and the proof."""

    applied: Applied
    after: Any
    """The `State` with everything applied."""
    proof: Proof


def make(before: State, scan: Scan, wishes: Wishes, scan_as: ScanAs | None = None) -> Plan:
    """Find what closes the open findings and prove that it does no harm.

    What a remedy leaves as the next rung of its ladder is taken up in turn. With `scan_as`, also
    under every network plugin that the user may run.
    """
    accepted: list[Applicable] = []
    refused: list[Refused] = []
    cannot: list[Cannot] = []
    current, trial = before, _Trial(before, scan)
    told: set[str] = set()
    while findings := _rung(before, current, told):
        told |= {finding.fingerprint for finding in findings}
        start = current
        for found in _groups(findings):
            left, closed = _parted(found, current)
            proposals = _propose(start, left, wishes)
            proposals += [p for p in _propose(start, closed, wishes) if _repeats(p, accepted)]
            refused += [p for p in proposals if isinstance(p, Refused)]
            cannot += [p for p in proposals if isinstance(p, Cannot)]
            wanted = [_stamped(p) for p in proposals if isinstance(p, Create | Edit | WriteFile)]
            current = _accept(trial, current, accepted, wanted, refused)
    applied = apply(before.inventory, accepted)
    proof = _proof(before, current, accepted, refused, cannot)
    proof = msgspec.structs.replace(
        proof,
        second_run_empty=_empty(current, wishes, refused),
        readings=tuple(readings(before, current, scan_as)) if scan_as and accepted else (),
    )
    return Plan(applied, current, proof)


def _rung(before: State, current: State, told: Collection[str]) -> list[Finding]:
    """The findings that are taken up next: those that others follow, then all the rest."""
    known = {finding.fingerprint for finding in before.report.findings}
    known |= {finding.fingerprint for finding in next_rung(before.report, current.report)}
    known -= set(told)
    left = [f for f in current.report.findings if f.fingerprint in known]
    first = {name for policy in before.report.policies.values() for name in policy.follows}
    return [f for f in left if f.policy in first] or left


def _stamped(proposal: Applicable) -> Applicable:
    """A new object with its owner label and the findings that it closes."""
    if not isinstance(proposal, Create):
        return proposal
    metadata = dict(proposal.object["metadata"])
    metadata["labels"] = {**metadata.get("labels", {}), "app.kubernetes.io/managed-by": "kguard"}
    if proposal.closes:
        closes = {"kguard.dev/closes": " ".join(sorted(proposal.closes))}
        metadata["annotations"] = {**metadata.get("annotations", {}), **closes}
    head = {k: proposal.object[k] for k in ("apiVersion", "kind")}
    rest = {k: v for k, v in proposal.object.items() if k not in (*head, "metadata")}
    return msgspec.structs.replace(proposal, object={**head, "metadata": metadata, **rest})


class _Trial(msgspec.Struct):
    before: Any
    scan: Any

    def run(self, proposals: Sequence[Applicable]) -> State:
        state: State = self.scan(apply(self.before.inventory, proposals).collected)
        return state


def _groups(findings: Iterable[Finding]) -> list[list[Finding]]:
    """The open findings of each remedy, in the order of layers and of their remedies."""
    wanted: dict[tuple[int, int], list[Finding]] = {}
    for finding in findings:
        if finding.state == "open" and finding.remedy:
            names = list(layers.remedies(finding.layer))
            if finding.remedy not in names:
                raise RemediationError(
                    f"the {finding.layer} layer has no remedy `{finding.remedy}`"
                )
            key = (FAMILIES.index(finding.layer), names.index(finding.remedy))
            wanted.setdefault(key, []).append(finding)
    return [found for _, found in sorted(wanted.items())]


def _parted(found: Iterable[Finding], current: State) -> tuple[list[Finding], list[Finding]]:
    """Findings that are still open, and those that the remedies before have closed."""
    known = {f.fingerprint for f in current.report.findings if f.state == "open"}
    left = [finding for finding in found if finding.fingerprint in known]
    return left, [finding for finding in found if finding.fingerprint not in known]


def _repeats(proposal: Proposal, accepted: Sequence[Applicable]) -> bool:
    """Whether a proposal asks for edits that are accepted already: they close its findings too."""
    if not isinstance(proposal, Edit):
        return False
    edits = [one for one in accepted if isinstance(one, Edit) and one.ref == proposal.ref]
    known = [operation for edit in edits for operation in edit.operations]
    return all(operation in known for operation in proposal.operations)


def _propose(state: State, found: list[Finding], wishes: Wishes) -> list[Proposal]:
    """What one remedy proposes for its findings, to a state of the input."""
    if not found:
        return []
    layer = found[0].layer
    function = layers.remedies(layer)[found[0].remedy]
    request = RemedyRequest(
        findings=tuple(found),
        facts=state.facts[layer],
        inventory=state.inventory,
        open=tuple(f for f in state.report.findings if f.state == "open"),
        stage=wishes.stage,
        tighten=wishes.tighten,
        policy_kind=wishes.policy_kind,
        at=state.report.at,
    )
    return list(function(request))


def _accept(
    trial: _Trial,
    current: State,
    accepted: list[Applicable],
    wanted: list[Applicable],
    refused: list[Refused],
) -> State:
    """Add to `accepted` what does no harm, to `refused` the rest; the state after it."""
    if not wanted:
        return current
    harm = _harm_of(trial, [*accepted, *wanted])
    if isinstance(harm, str):
        if len(wanted) == 1:
            refused.append(_refusal(wanted[0], harm))
            return current
        middle = len(wanted) // 2
        current = _accept(trial, current, accepted, wanted[:middle], refused)
        return _accept(trial, current, accepted, wanted[middle:], refused)
    accepted += wanted
    return harm


def _harm_of(trial: _Trial, proposals: list[Applicable]) -> State | str:
    """The state with the proposals applied, or the harm that they would do."""
    try:
        after = trial.run(proposals)
    except RemediationError as error:
        return str(error)
    comparison = layers.compare(trial.before.facts, after.facts)
    for harm, changes in (
        ("it would cut", comparison.cut),
        ("it would weaken", comparison.weaker),
        ("it would open", comparison.opened),
    ):
        if changes:
            return f"{harm}: {changes[0].target}: {changes[0].text}"
    new = _new_findings(trial.before.report, after.report)
    if new:
        return f"it would cause {new[0].policy} on {new[0].target}: {new[0].message}"
    return after


def _refusal(proposal: Applicable, harm: str) -> Refused:
    return Refused(findings=proposal.closes, reason=proposal.why, counterexample=harm)


def _new_findings(before: Report, after: Report) -> list[Finding]:
    """Findings of weight that were not there before, and are no rung of a ladder."""
    rung = {finding.fingerprint for finding in next_rung(before, after)}
    new = [f for f in fresh(before, after) if f.fingerprint not in rung]
    return [f for f in new if severity_at_least(f.severity, "medium")]


def _empty(after: State, wishes: Wishes, refused: list[Refused]) -> bool:
    """Whether a second run proposes nothing but what was refused already."""
    turned_down = {fingerprint for entry in refused for fingerprint in entry.findings}
    reasons = {entry.reason for entry in refused if not entry.findings}
    return not any(
        isinstance(proposal, Create | Edit | WriteFile)
        and not set(proposal.closes) & turned_down
        and (proposal.closes or proposal.why not in reasons)
        for found in _groups(after.report.findings)
        for proposal in _propose(after, found, wishes)
    )


def _proof(
    before: State,
    after: State,
    accepted: list[Applicable],
    refused: list[Refused],
    cannot: list[Cannot],
) -> Proof:
    comparison = layers.compare(before.facts, after.facts)
    left = {f.fingerprint for f in after.report.findings if f.state in ("open", "unknown")}
    was_open = [f for f in before.report.findings if f.state == "open"]
    reasons = _reasons(refused, cannot)
    rung = next_rung(before.report, after.report)
    new = [f for f in fresh(before.report, after.report) if f not in rung]
    return Proof(
        closes=tuple(_closed(f) for f in was_open if f.fingerprint not in left),
        remaining=tuple(
            _remaining(f, before.report, reasons) for f in was_open if f.fingerprint in left
        ),
        refused=tuple(refused),
        cannot=tuple(cannot),
        flows=_flows(before, after),
        edges=_edges(before, after),
        stronger=comparison.stronger,
        weakens=comparison.weaker,
        cuts=comparison.cut,
        opens=comparison.opened,
        new_findings=tuple(_closed(f) for f in _new_findings(before.report, after.report)),
        second_run_empty=False,
        assumed=dict(before.report.assumed),
        at=before.report.at,
        inputs=before.report.inputs,
        objects=before.report.objects,
        accepted=tuple(accepted),
        lesser_findings=tuple(
            _closed(f) for f in new if not severity_at_least(f.severity, "medium")
        ),
        next_findings=tuple(_remaining(f, before.report, reasons) for f in rung),
    )


def _closed(finding: Finding) -> Closed:
    return Closed(finding.fingerprint, finding.policy, str(finding.target), finding.message)


def _reasons(refused: list[Refused], cannot: list[Cannot]) -> dict[str, str]:
    """Why a finding stays open, by its fingerprint."""
    found: dict[str, str] = {}
    for word, entries in (("refused", refused), ("no manifest can", cannot)):
        for entry in entries:
            for fingerprint in entry.findings:
                found.setdefault(fingerprint, f"{word}: {entry.reason}")
    return found


def _remaining(finding: Finding, report: Report, reasons: dict[str, str]) -> Remaining:
    reason = reasons.get(finding.fingerprint, "")
    policy = report.policies.get(finding.policy)
    if not reason and policy is not None and not policy.remedy:
        reason = f"no remedy: {policy.no_remedy}"
    reason = reason or "nothing was proposed for it"
    closed = _closed(finding)
    return Remaining(closed.fingerprint, closed.policy, closed.target, closed.message, reason)


def _flows(before: State, after: State) -> Flows:
    """How many intended flows there are and are allowed, as the network layer counts them."""
    return _kept(_verdicts(before), _verdicts(after), "allowed")


def _edges(before: State, after: State) -> Flows:
    """How many intended calls there are and work, as the mtls layer counts them."""
    return _kept(_calls(before), _calls(after), "works")


def _kept(was: Mapping[Any, str], now: Mapping[Any, str], good: str) -> Flows:
    fresh = [verdict for key, verdict in now.items() if key not in was]
    return Flows(
        intended=len(was),
        allowed_before=list(was.values()).count(good),
        allowed_after=sum(now.get(key) == good for key in was),
        undecided=sum(now.get(key) == "unknown" for key in was),
        added=len(fresh),
        added_allowed=fresh.count(good),
    )


def _verdicts(state: State) -> dict[tuple[str, str, str], str]:
    """The verdict on each intended flow, by its ends and port."""
    flows = getattr(state.facts.get("network"), "flows", ())
    return {(flow.source, flow.target, flow.port): flow.verdict for flow in flows}


def _calls(state: State) -> dict[tuple[str, str, str, str], str]:
    """The verdict on each intended call through the mesh, by its ends, port and Service."""
    edges = getattr(state.facts.get("mtls"), "edges", ())
    return {(e.client.id, e.server.id, e.port, e.service): e.verdict for e in edges}
