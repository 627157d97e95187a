# SPDX-License-Identifier: Apache-2.0
"""Into which files do remedies and their proof go?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from kguard.errors import RemediationError
from kguard.model.manifests import Manifest
from kguard.model.remedies import Create, Edit
from kguard.remediation.apply import Applied, as_json_patch, file_name
from kguard.remediation.patches import by_file, edited, file_names, patch, start
from kguard.remediation.plan import Plan
from kguard.remediation.proof import Proof, as_json, subject


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
    files = by_file(applied)
    names = file_names(list(files))
    for file, edits in files.items():
        yield Output(names[file], patch(file, edits), f"changes {file}: {_command(file)}")


def _command(file: str) -> str:
    """How a patch is applied, in the folder where kguard ran."""
    folder = start(file)
    return "patch -p1" if folder == "." else f"patch -p1 -d {folder}"


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
        raise RemediationError(
            f"cannot write remedies: {(error.strerror or str(error)).lower()}", where=str(folder)
        ) from None
    return found


def edit_in_place(applied: Applied) -> list[str]:
    """Write edited documents back into their files; every other byte stays as it is.

    Returns:
        The names of the files that changed.

    Raises:
        RemediationError: a file changed since it was read, or cannot be written.
    """
    files = by_file(applied)
    for file, edits in files.items():
        try:
            content = edited(Path(file).read_bytes().decode(), edits)
            if content is None:
                raise RemediationError(
                    "the file is not what was scanned", where=file, hint="scan it again"
                )
            Path(file).write_bytes(content.encode())
        except (OSError, ValueError) as error:
            raise RemediationError(f"cannot edit: {error}", where=file) from None
    return list(files)


def prose(proof: Proof) -> str:
    """`PROOF.md`: a page that a reviewer can sign off."""
    lesser = proof.lesser_findings
    flows, inputs = proof.flows, ", ".join(proof.inputs) or "the input"
    kept = f"- keeps {flows.allowed_after} of {flows.intended} intended flows"
    lines = [
        "# Proof of the remedies",
        "",
        f"Judged {_many(proof.objects, 'object')} of {inputs} at {proof.at}.",
        "",
        f"- closes {_many(len(proof.closes), 'finding')}, leaves {len(proof.remaining)} open",
        f"{kept} ({flows.allowed_before} were allowed before{_undecided(flows.undecided)})",
        *_added(proof),
        f"- weakens {_count(proof.weakens)}",
        f"- cuts {_count(proof.cuts)}",
        f"- opens {_count(proof.opens)}",
        *([f"- causes {_many(len(lesser), 'finding')} below medium: see below"] if lesser else []),
        f"- a second run proposes {'nothing' if proof.second_run_empty else 'more: see below'}",
        *_plugins(proof),
        "",
        "## What changes",
        "",
        *(f"- {subject(p)}: {p.why}" for p in proof.accepted),
        "",
        "## How to apply it",
        "",
        "Create the new objects (`kubectl apply -f`), and apply the patches in the folder where",
        "kguard ran (`patch -p1 <` a patch; the list that `kguard fix` printed names `-d` where a",
        "file lies outside of it).",
        "",
        "## What it closes",
        "",
        *(f"- `{c.policy}` {c.target}: {c.message}" for c in proof.closes),
        "",
        *_caused(proof),
        *_refusals(proof),
        *_instead(proof),
        *_left(proof),
        "## What was assumed",
        "",
        *(f"- {k}: {v.value or 'nothing'} ({v.how})" for k, v in proof.assumed.items()),
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


def _undecided(count: int) -> str:
    return f"; {count} cannot be decided" if count else ""


def _plugins(proof: Proof) -> Iterator[str]:
    holds = [reading.plugin for reading in proof.readings if reading.holds]
    if holds:
        every = "" if len(holds) < len(proof.readings) else "every plugin judged: "
        yield f"- holds under {every}{', '.join(holds)}"
    for reading in proof.readings:
        if not reading.holds:
            yield f"- does not hold under {reading.plugin}: it {reading.because}"


def _many(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def _count(changes: tuple[object, ...]) -> str:
    return str(len(changes)) if changes else "nothing"


def _caused(proof: Proof) -> Iterator[str]:
    if proof.lesser_findings:
        yield from ("## What it causes", "")
        yield from (f"- `{c.policy}` {c.target}: {c.message}" for c in proof.lesser_findings)
        yield ""


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
