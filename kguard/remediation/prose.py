# SPDX-License-Identifier: Apache-2.0
"""How does the proof of the remedies read, as a page that a reviewer can sign off?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kguard.model.remedies import Cannot, Refused
from kguard.model.safe_text import legible
from kguard.remediation.proof import Closed, Proof, Remaining, subject


def prose(proof: Proof) -> str:
    """`PROOF.md`: a page that a reviewer can sign off."""
    lesser, rung = proof.lesser_findings, proof.next_findings
    flows, inputs = proof.flows, legible(", ".join(proof.inputs)) or "the input"
    kept = f"- keeps {flows.allowed_after} of {flows.intended} intended flows"
    lines = [
        "# Proof of the remedies",
        "",
        f"Judged {_many(proof.objects, 'object')} of {inputs} at {proof.at}.",
        "",
        f"- closes {_many(len(proof.closes), 'finding')}, leaves {len(proof.remaining)} open",
        f"{kept} ({flows.allowed_before} were allowed before{_undecided(flows.undecided)})",
        *_added(proof),
        *_calls(proof),
        f"- weakens {_count(proof.weakens)}",
        f"- cuts {_count(proof.cuts)}",
        f"- opens {_count(proof.opens)}",
        *([f"- causes {_many(len(lesser), 'finding')} below medium: see below"] if lesser else []),
        *([f"- leaves {_many(len(rung), 'finding')} for the next rung: see below"] if rung else []),
        f"- a second run proposes {'nothing' if proof.second_run_empty else 'more: see below'}",
        *_plugins(proof),
        "",
        "## What changes",
        "",
        *_items((f"{subject(p)}: {p.why}", "") for p in proof.accepted),
        "",
        "## How to apply it",
        "",
        "Create the new objects (`kubectl apply -f`), and apply the patches in the folder where",
        "kguard ran (`patch -p1 <` a patch; the list that `kguard fix` printed names `-d` where a",
        "file lies outside of it).",
        "",
        "## What it closes",
        "",
        *_items((_words(closed), "") for closed in proof.closes),
        "",
        *_section("What it causes", ((_words(caused), "") for caused in lesser)),
        *_section("What comes next, and why not yet", ((_words(e), e.reason) for e in rung)),
        *_section("What was refused", map(_refusal, proof.refused)),
        *_section("What no manifest can close", map(_instead, proof.cannot)),
        *_section("What remains open, and why", ((_words(e), e.reason) for e in proof.remaining)),
        "## What was assumed",
        "",
        *_items((f"{k}: {v.value or 'nothing'} ({v.how})", "") for k, v in proof.assumed.items()),
        "",
        "## How to undo it",
        "",
        "Delete the new objects (`kubectl delete -f`) and reverse the patches (`patch -R`).",
    ]
    return "\n".join(lines) + "\n"


def _added(proof: Proof) -> Iterator[str]:
    if proof.flows.added:
        flows = _many(proof.flows.added, "intended flow")
        yield f"- brings {flows} of its own, {proof.flows.added_allowed} allowed"


def _calls(proof: Proof) -> Iterator[str]:
    edges = proof.edges
    if edges.intended:
        kept = f"- {edges.allowed_after} of {edges.intended} intended calls work through the mesh"
        yield f"{kept} ({edges.allowed_before} did before{_undecided(edges.undecided)})"


def _undecided(count: int) -> str:
    return f"; {count} cannot be decided" if count else ""


def _plugins(proof: Proof) -> Iterator[str]:
    holds = [reading.plugin for reading in proof.readings if reading.holds]
    if holds:
        every = "" if len(holds) < len(proof.readings) else "every plugin judged: "
        yield f"- holds under {every}{', '.join(holds)}"
    for reading in proof.readings:
        if not reading.holds:
            yield f"- does not hold under {legible(reading.plugin)}: it {legible(reading.because)}"


def _many(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def _count(changes: tuple[object, ...]) -> str:
    return str(len(changes)) if changes else "nothing"


_Item = tuple[str, str]
"""An item of a list, and what stands below it."""


def _words(finding: Closed | Remaining) -> str:
    return f"`{finding.policy}` {finding.target}: {finding.message}"


def _refusal(entry: Refused) -> _Item:
    counterexample = entry.counterexample
    return entry.reason, f"counterexample: {counterexample}" if counterexample else ""


def _instead(entry: Cannot) -> _Item:
    return entry.reason, f"instead: {entry.instead}" if entry.instead else ""


def _section(title: str, items: Iterable[_Item]) -> Iterator[str]:
    """A heading with a list; nothing where the list is empty."""
    lines = list(_items(items))
    if lines:
        yield from (f"## {title}", "", *lines, "")


def _items(items: Iterable[_Item]) -> Iterator[str]:
    for text, below in items:
        yield f"- {legible(text)}"
        if below:
            yield f"  - {legible(below)}"
