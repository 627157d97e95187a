# SPDX-License-Identifier: Apache-2.0
"""What does a change do, as a comment on a pull request or a job summary?

A small change fits one screen, a huge one stays below what GitHub takes of a comment (65,536
characters). Everything of the input is escaped.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kguard.model.differences import Cause, Difference, Effect
from kguard.model.findings import Finding
from kguard.model.safe_text import inert
from kguard.reporters.change_text import Alike, doubt, gone, grouped, others, totals, where
from kguard.reporters.markdown import code
from kguard.reporters.text import number_of

MAX_ROWS = 20
"""Rows of each table; the JSON form has everything."""
MAX_CELL = 400
"""Characters of the input in one cell."""
MAX_NOT_READ = 5


def render(found: Difference, reproduce: str = "", patch: str = "") -> str:
    """The change as GitHub-flavoured Markdown.

    Args:
        found: what the change does.
        reproduce: the command that says the same on a developer's machine.
        patch: the name of the file with remedies, if there is one.
    """
    lines = [*_head(found), *_effects(found.effects), *_new(grouped(found.new))]
    lines += [*_gone("fixed", found.fixed), *_gone("undecided", found.undecided)]
    lines += [*_not_read(found), *_tail(found, reproduce, patch)]
    return "\n".join(lines) + "\n"


def _head(found: Difference) -> Iterator[str]:
    if found.silent:
        yield inert(totals(found))
        yield ""
        return
    worse = sum(effect.kind != "strengthens" for effect in found.effects)
    better = len(found.effects) - worse
    said = [f"weakens {number_of(worse, 'things')}"] if worse else []
    said += [f"strengthens {number_of(better, 'things')}"] if better else []
    said += [f"brings {number_of(len(found.new), 'findings')}"] if found.new else []
    said += [f"fixes {len(found.fixed)}"] if found.fixed else []
    said += [f"leaves {len(found.undecided)} undecided"] if found.undecided else []
    yield f"### kguard: this change {', '.join(said)}"
    yield ""


def _effects(effects: Sequence[Effect]) -> Iterator[str]:
    if not effects:
        return
    yield "| effect | what the change does | because of |"
    yield "|---|---|---|"
    for effect in effects[:MAX_ROWS]:
        text = _cell(effect.text.removeprefix(f"{effect.kind} "))
        yield f"| {effect.kind} | {text} | {_place(effect.cause)} |"
    yield from _rest(len(effects), "effects")
    yield ""


def _new(groups: Sequence[Alike]) -> Iterator[str]:
    if not groups:
        return
    yield "| new finding | | because of |"
    yield "|---|---|---|"
    for alike in groups[:MAX_ROWS]:
        first = alike[0].finding
        policy = f"**{first.severity}** {code(first.policy)}"
        said = f"{doubt(first)}{_cell(first.message)}{others(alike)}"
        yield f"| {policy} | {said} | {_place(alike[0].cause)} |"
    yield from _rest(len(groups), "kinds of findings")
    yield ""


def _rest(count: int, what: str) -> Iterator[str]:
    if count > MAX_ROWS:
        yield ""
        yield f"{count - MAX_ROWS} more {what} are in the JSON report."


def _cell(text: str) -> str:
    return inert(text if len(text) <= MAX_CELL else f"{text[:MAX_CELL]} ...")


def _place(cause: Cause | None) -> str:
    """The changed line; nothing where several lines together are the reason."""
    if cause is None:
        return "several changes together"
    quoted = f" {code(cause.text[:MAX_CELL])}" if cause.text else ""
    return f"{code(where(cause)[-MAX_CELL:])}{gone(cause)}{quoted}"


def _gone(word: str, findings: Sequence[Finding]) -> Iterator[str]:
    if not findings:
        return
    yield f"<details><summary>{len(findings)} {word}</summary>"
    yield ""
    for finding in findings[:MAX_ROWS]:
        yield f"- {code(finding.policy)} {_cell(finding.message)}"
    yield from _rest(len(findings), f"{word} findings")
    yield ""
    yield "</details>"
    yield ""


def _not_read(found: Difference) -> Iterator[str]:
    for entry in found.incomplete[:MAX_NOT_READ]:
        yield f"- **not read** {code(entry.source[-MAX_CELL:])}: {_cell(entry.reason)}"
    if len(found.incomplete) > MAX_NOT_READ:
        yield f"- and {len(found.incomplete) - MAX_NOT_READ} more that could not be read"
    if found.incomplete:
        yield ""


def _tail(found: Difference, reproduce: str, patch: str) -> Iterator[str]:
    said = [f"{found.unchanged} unchanged."]
    said += [f"Remedies: {code(patch)}, for `git apply`."] if patch else []
    said += [f"Reproduce: {code(reproduce)}"] if reproduce else []
    yield " ".join(said)
