# SPDX-License-Identifier: Apache-2.0
"""Into which files do remedies and their proof go?"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import msgspec

from kguard.errors import RemediationError
from kguard.model.manifests import Manifest
from kguard.model.remedies import Create, Edit
from kguard.remediation.apply import Applied, as_json_patch, file_name
from kguard.remediation.patches import by_file, edited, file_names, patch, start
from kguard.remediation.plan import Plan
from kguard.remediation.proof import as_json
from kguard.remediation.prose import prose

MAX_NAME = 200
"""Characters of a file's name."""


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
    return "patch -p1" if folder == "." else f"patch -p1 -d {shlex.quote(folder)}"


def _object_patches(plan: Plan) -> Iterator[Output]:
    for ref, operations in plan.applied.patched_objects.items():
        name = re.sub(r"[^a-z0-9.-]+", "-", ref.lower())[:MAX_NAME] + ".jsonpatch"
        found = plan.after.inventory.by_id(ref)
        how = (
            _kubectl_patch(found)
            if isinstance(found, Manifest) and found.text.cluster
            else "a patch for the overlay or the values that render it"
        )
        yield Output(name, as_json_patch(operations), f"changes {ref}: {how}")


def _kubectl_patch(manifest: Manifest) -> str:
    words = ("patch", manifest.kind.lower(), manifest.name, "-n", manifest.namespace)
    return " ".join(("kubectl", *map(shlex.quote, words), "--type json"))


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
