# SPDX-License-Identifier: Apache-2.0
"""Which finding shows what a policy is about, and which remedy closes it?

``python -m support.examples`` takes an example of each policy that has none yet from the smallest
case folder that shows it (of named policies anew, of all with ``--all``) and writes
`policies/examples.json`. The cases' own test compares what is written there with what the case
yields, so that an example cannot go stale; ``pytest tests/cases --update-cases`` renews it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import msgspec

from kguard.engine import catalog
from kguard.engine.examples import Change, Example, Step
from kguard.model.findings import Finding, Policy
from kguard.model.remedies import Create, Edit, WriteFile
from kguard.remediation.apply import apply
from kguard.remediation.patches import by_file, patch
from kguard.remediation.plan import Plan
from kguard.reporters.text import place
from kguard.scan import Judged

FILE = Path(__file__).resolve().parents[1] / "policies" / "examples.json"
MAX_STEPS = 6
MAX_LINES = 24
"""Lines of one change."""
MAX_CHANGES = 3
TRIES = 6
"""Cases that are tried for a remedy, the smallest first."""


def main(arguments: Sequence[str]) -> int:
    """Write the examples that are missing; those of named policies, or all, anew."""
    known, everything = read(), "--all" in arguments
    wanted = [p for p in catalog.bundled() if everything or p.id not in known or p.id in arguments]
    if not wanted and known.keys() == {policy.id for policy in catalog.bundled()}:
        return 0
    engine = _runner().LoadedOnce()
    for policy in wanted:
        known[policy.id] = _best(policy, engine)
        print(f"{policy.id}: {known[policy.id].case}", flush=True)
    engine.close()
    write(known)
    return 0


def read() -> dict[str, Example]:
    """The examples as they are written."""
    return msgspec.json.decode(FILE.read_bytes(), type=dict[str, Example])


def write(found: Mapping[str, Example]) -> None:
    """Write the examples of the shipped policies."""
    known = {policy.id for policy in catalog.bundled()}
    kept = {name: found[name] for name in sorted(found) if name in known}
    FILE.write_bytes(msgspec.json.format(msgspec.json.encode(kept), indent=1) + b"\n")


def _runner() -> Any:
    return import_module("tests.cases.runner")


def _best(policy: Policy, engine: Any) -> Example:
    """The example with a remedy, or with what is said instead, among the smallest cases."""
    first: Example | None = None
    for case in _candidates(policy):
        found = _of_case(policy, case, engine)
        if found and (found.changes or not policy.remedy):
            return found
        if found and (first is None or (found.instead and not first.instead)):
            first = found
    if first is None:
        raise LookupError(f"no case shows {policy.id}")
    return first


def _candidates(policy: Policy) -> list[Any]:
    runner = _runner()

    def shown(case: Any) -> bool:
        return any(
            row["policy"] == policy.id and row.get("state", "open") == "open"
            for row in runner.expected(case)["findings"]
        )

    def order(case: Any) -> tuple[bool, int]:
        closed = (entry.split()[0] for entry in runner.expected_remedy(case).get("closes", []))
        files = [file for file in (case.folder / "in").rglob("*") if file.is_file()]
        return policy.id not in closed, sum(file.stat().st_size for file in files)

    mine = [case for case in runner.cases() if shown(case)]
    return sorted(mine, key=order)[: TRIES if policy.remedy else 1]


def _of_case(policy: Policy, case: Any, engine: Any) -> Example | None:
    runner = _runner()
    judged = runner.judge(case, runner.read_inputs(case), engine)
    plan = runner.fix(case, runner.read_inputs(case), engine) if policy.remedy else None
    return taken(policy, case.id, judged, plan)


def taken(policy: Policy, case: str, judged: Judged, plan: Plan | None) -> Example | None:
    """The example of a policy that this report and this plan hold; None without a finding.

    Args:
        policy: the policy.
        case: the id of the case that both were made of.
        judged: the case as it lies there.
        plan: its remedies; None where the policy has none.
    """
    mine = [f for f in judged.report.findings if f.policy == policy.id and f.state == "open"]
    if not mine:
        return None
    closing = {f.fingerprint: _closing(f, plan) for f in mine} if plan else {}
    finding = next((f for f in mine if closing.get(f.fingerprint)), mine[0])
    changes = closing.get(finding.fingerprint, [])
    return Example(
        case=case,
        target=str(finding.target),
        message=_portable(finding.message),
        steps=tuple(
            Step(place(quote), quote.text.rstrip(), _portable(quote.note))
            for quote in finding.evidence[:MAX_STEPS]
        ),
        changes=tuple(_changes(judged, changes))[:MAX_CHANGES],
        instead="" if changes else _instead(policy, finding, plan),
    )


def _portable(text: str) -> str:
    """Without the folder of this checkout: settings name files by absolute paths."""
    return text.replace(f"{FILE.parents[1]}/", "")


def _closing(finding: Finding, plan: Plan) -> list[Create | Edit | WriteFile]:
    accepted = plan.proof.accepted
    return [proposal for proposal in accepted if finding.fingerprint in proposal.closes]


def _changes(judged: Judged, proposals: Sequence[Create | Edit | WriteFile]) -> Iterator[Change]:
    applied = apply(judged.inventory, proposals)
    for file, edits in by_file(applied).items():
        yield Change(file, _short(patch(file, edits)), new=False)
    for name, text in sorted(applied.created.items()):
        yield Change(name, _short(text), new=True)


def _short(text: str) -> str:
    lines = text.splitlines()
    if len(lines) <= MAX_LINES:
        return text
    return "\n".join([*lines[:MAX_LINES], f"... {len(lines) - MAX_LINES} more lines", ""])


def _instead(policy: Policy, finding: Finding, plan: Plan | None) -> str:
    if plan is None:
        return policy.no_remedy
    mine = finding.fingerprint
    said = [entry.instead or entry.reason for entry in plan.proof.cannot if mine in entry.findings]
    said += [entry.reason for entry in plan.proof.refused if mine in entry.findings]
    return said[0] if said else policy.no_remedy


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
