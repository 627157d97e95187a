# SPDX-License-Identifier: Apache-2.0
"""Into which files do remedies and their proof go?"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from pathlib import Path

import msgspec

from kguard.errors import RemediationError
from kguard.model.manifests import Manifest
from kguard.model.remedies import Create, Edit
from kguard.remediation.apply import Applied, as_json_patch, file_name
from kguard.remediation.plan import Plan
from kguard.remediation.proof import Proof, as_json, subject

_CONTEXT_LINES = 3


class Output(msgspec.Struct, frozen=True, order=True):
    """One file to write, with a line that says what it is."""

    name: str
    content: str
    what: str


def outputs(plan: Plan) -> list[Output]:
    """New manifests, patches of existing files, and the proof, by name."""
    found = [*_created(plan), *_patches(plan.applied), *_object_patches(plan)]
    proof = plan.proof
    found.append(Output("proof.json", as_json(proof), "the proof, for machines"))
    found.append(Output("PROOF.md", prose(proof), "the proof, for the reviewer"))
    return sorted(found)


def _created(plan: Plan) -> Iterator[Output]:
    why = {
        file_name(p.object) if isinstance(p, Create) else p.name: p.why
        for p in plan.proof.accepted
        if not isinstance(p, Edit)
    }
    for name, content in plan.applied.created.items():
        yield Output(name, content, f"new: {why[name]}")


def _patches(applied: Applied) -> Iterator[Output]:
    by_file: dict[str, dict[int, str]] = {}
    for (file, index), text in applied.texts.items():
        by_file.setdefault(file, {})[index] = text
    for file, edits in by_file.items():
        before = {i: applied.originals[file, i] for i in edits}
        diff = "".join(
            line
            for index in sorted(edits)
            for line in _diff(before[index].text, edits[index], before[index].line)
        )
        name = file.replace("/", "-").lstrip("-.") + ".patch"
        yield Output(name, f"--- a/{file}\n+++ b/{file}\n{diff}", f"changes {file}")


def _diff(before: str, after: str, first_line: int) -> Iterator[str]:
    """The hunks of one document, with the line numbers of its file."""
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    # unified_diff would treat frequent lines as junk and make patches larger than they must be.
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    for group in matcher.get_grouped_opcodes(_CONTEXT_LINES):
        (_, old_from, _, new_from, _), (_, _, old_to, _, new_to) = group[0], group[-1]
        spans = (old_from, old_to), (new_from, new_to)
        rows = [f"{a + first_line},{b - a}" for a, b in spans]
        yield f"@@ -{rows[0]} +{rows[1]} @@\n"
        for tag, a, b, c, d in group:
            yield from (_row(" ", line) for line in old[a:b] if tag == "equal")
            yield from (_row("-", line) for line in old[a:b] if tag != "equal")
            yield from (_row("+", line) for line in new[c:d] if tag != "equal")


def _row(sign: str, line: str) -> str:
    return sign + (line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n")


def _object_patches(plan: Plan) -> Iterator[Output]:
    for ref, operations in plan.applied.patched_objects.items():
        name = ref.replace("/", "-").lower() + ".jsonpatch"
        found = plan.after.inventory.by_id(ref)
        how = (
            f"kubectl patch {found.kind.lower()} {found.name} -n {found.namespace} --type json"
            if isinstance(found, Manifest) and found.text.cluster
            else "a patch for the overlay or the values that render it"
        )
        yield Output(name, as_json_patch(operations), f"changes {ref}: {how}")


def write(plan: Plan, folder: Path) -> list[Output]:
    """Write everything into a folder; what was there under other names is left alone.

    Raises:
        RemediationError: a file cannot be written.
    """
    found = outputs(plan)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for output in found:
            (folder / output.name).write_text(output.content, encoding="utf-8")
    except OSError as error:
        raise RemediationError(f"cannot write remedies: {error}", where=str(folder)) from None
    return found


def edit_in_place(applied: Applied) -> list[str]:
    """Write edited documents back into their files; every other byte stays as it is.

    Returns:
        The names of the files that changed.

    Raises:
        RemediationError: a file changed since it was read, or cannot be written.
    """
    changed = []
    for file in sorted({file for file, _ in applied.texts}):
        path = Path(file)
        try:
            content = path.read_bytes().decode()
            for (name, index), text in sorted(applied.texts.items()):
                if name == file:
                    content = _replaced(content, applied.originals[name, index].text, text, file)
            path.write_bytes(content.encode())
        except (OSError, UnicodeDecodeError) as error:
            raise RemediationError(f"cannot edit: {error}", where=file) from None
        changed.append(file)
    return changed


def _replaced(content: str, before: str, after: str, file: str) -> str:
    if content.count(before) != 1:
        raise RemediationError(
            "the document to edit is not in the file exactly once",
            where=file,
            hint="apply the .patch file instead",
        )
    return content.replace(before, after)


def prose(proof: Proof) -> str:
    """`PROOF.md`: a page that a reviewer can sign off."""
    flows, inputs = proof.flows, ", ".join(proof.inputs) or "the input"
    kept = f"- keeps {flows.allowed_after} of {flows.intended} intended flows"
    lines = [
        "# Proof of the remedies",
        "",
        f"Judged {proof.objects} objects of {inputs} at {proof.at}.",
        "",
        f"- closes {len(proof.closes)} findings, {len(proof.remaining)} remain open",
        f"{kept} ({flows.allowed_before} were allowed before)",
        f"- weakens {_count(proof.weakens)}",
        f"- cuts {_count(proof.cuts)}",
        f"- opens {_count(proof.opens)}",
        f"- a second run proposes {'nothing' if proof.second_run_empty else 'more: see below'}",
        "",
        "## What changes",
        "",
        *(f"- {subject(p)}: {p.why}" for p in proof.accepted),
        "",
        "## What it closes",
        "",
        *(f"- `{c.policy}` {c.target}: {c.message}" for c in proof.closes),
        "",
        *_refusals(proof),
        *_instead(proof),
        *_left(proof),
        "## What was assumed",
        "",
        *(f"- {k}: {v['value'] or 'nothing'} ({v['how']})" for k, v in proof.assumed.items()),
        "",
        "## How to undo it",
        "",
        "Delete the new objects (`kubectl delete -f`) and reverse the patches (`patch -R`).",
    ]
    return "\n".join(lines) + "\n"


def _count(changes: tuple[object, ...]) -> str:
    return str(len(changes)) if changes else "nothing"


def _refusals(proof: Proof) -> Iterator[str]:
    if proof.refused:
        yield from ("## What was refused", "")
        for entry in proof.refused:
            yield f"- {entry.reason}"
            if entry.counterexample:
                yield f"  - counterexample: {entry.counterexample}"
        yield ""


def _instead(proof: Proof) -> Iterator[str]:
    if proof.cannot:
        yield from ("## What no manifest can close", "")
        for entry in proof.cannot:
            yield f"- {entry.reason}"
            if entry.instead:
                yield f"  - instead: {entry.instead}"
        yield ""


def _left(proof: Proof) -> Iterator[str]:
    if proof.remaining:
        yield from ("## What remains open, and why", "")
        for entry in proof.remaining:
            yield f"- `{entry.policy}` {entry.target}: {entry.message}"
            yield f"  - {entry.reason}"
        yield ""
