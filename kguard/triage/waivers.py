# SPDX-License-Identifier: Apache-2.0
"""Which findings has somebody accepted, until when and why?

Three spellings: an annotation `ignore.kguard.dev/network.default-deny: "until=...; by=...;
reason=..."` on the target, a comment `# kguard: ignore[network/no-default-deny] until=... by=...
reason` on the deciding line or the one above it, and a waivers file with selectors. Owner, reason
and expiry are mandatory. Waivers that are expired, unused, incomplete or too broad are findings.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from fnmatch import fnmatchcase
from pathlib import Path, PurePath
from typing import Any

import msgspec

from kguard.errors import ConfigError, reason, validation
from kguard.model.facts.common import Evidence
from kguard.model.facts.waivers import Facts, WaiverFact, WaiverState
from kguard.model.findings import Finding
from kguard.model.locations import pointer
from kguard.model.manifests import Collected, Manifest, ObjectRef, SourceText

ANNOTATION = "ignore.kguard.dev/"
_MARK = "kguard"
"""What no waiver and no acceptance can do without."""
_COMMENT = re.compile(r"#\s*kguard:\s*ignore\[([^\]]*)\]\s*(.*)$")
_PAIR = re.compile(r"(\w+)=(\S+)")


class Waiver(msgspec.Struct, frozen=True):
    """An accepted finding: who accepted what, until when, and why."""

    policy: str
    """A policy id; a glob in a waivers file."""
    by: str
    until: str
    """ISO date, the last day on which the waiver counts."""
    reason: str
    source: str
    """Where the waiver stands."""
    target: dict[str, str] = {}
    """Globs for `kind`, `namespace`, `name` of the target; empty: any."""
    file: str = ""
    line: int = 0
    """For a comment: the line on which a finding must stand (or the next one)."""
    place: Evidence | None = None
    """Where the waiver stands, if that is in the input."""
    anchor: str = ""
    """What it stands at, whatever the file and the line: the object, and for a comment the text of
    the lines that it is meant for."""
    approved: bool = True
    """Whether it counts although a change may have brought it."""

    def covers(self, finding: Finding) -> bool:
        """Whether this waiver is meant for the finding, whatever its date."""
        if not fnmatchcase(finding.policy, self.policy):
            return False
        if self.line:
            lines = (self.line, self.line + 1)
            return any(
                place.role == "decides" and place.file == self.file and place.line in lines
                for place in finding.locations
            )
        return all(fnmatchcase(_field(finding.target, k), v) for k, v in self.target.items())

    def problem(self, today: date) -> str:
        """What is wrong with it: empty, or a reason."""
        missing = [name for name in ("by", "until", "reason") if not getattr(self, name)]
        if missing:
            return f"lacks {' and '.join(missing)}"
        try:
            until = date.fromisoformat(self.until)
        except ValueError:
            return f"`until={self.until}` is no date (YYYY-MM-DD)"
        return f"expired on {self.until}" if until < today else ""

    @property
    def identity(self) -> str:
        """The same for the same waiver of the same thing in another revision."""
        return f"{self.policy}\x1f{self.by}\x1f{self.until}\x1f{self.reason}\x1f{self.anchor}"

    @property
    def too_broad(self) -> bool:
        """Whether it would silence any policy or any target."""
        anything = not any(value.strip("*") for value in self.target.values())
        return self.policy in ("*", "*/*", "") or (anything and not self.line)


def _field(target: ObjectRef, name: str) -> str:
    return str(getattr(target, name, ""))


class Outcome(msgspec.Struct, frozen=True):
    """Findings after the waivers, and what is to be said of the waivers themselves."""

    findings: tuple[Finding, ...]
    facts: Facts


def apply(findings: Iterable[Finding], waivers: Sequence[Waiver], today: date) -> Outcome:
    """Mark the findings that a valid waiver covers."""
    used: set[int] = set()
    marked = tuple(_mark(finding, waivers, today, used) for finding in findings)
    judged = [_fact(waiver, number in used, today) for number, waiver in enumerate(waivers)]
    return Outcome(marked, Facts(sorted(judged, key=lambda fact: (fact.ref, fact.policy))))


def _fact(waiver: Waiver, used: bool, today: date) -> WaiverFact:  # noqa: FBT001
    reason = waiver.problem(today)
    state: WaiverState = "valid" if used else "unused"
    if not waiver.approved:
        state = "unapproved"
    elif reason:
        state = "expired" if reason.startswith("expired") else "incomplete"
    elif waiver.too_broad:
        state, reason = "over-broad", "it names no policy or no target"
    return WaiverFact(
        ref=ObjectRef("", "Waiver", "", waiver.source),
        policy=waiver.policy,
        state=state,
        reason=reason,
        because=[waiver.place] if waiver.place else [],
    )


def _mark(finding: Finding, waivers: Sequence[Waiver], today: date, used: set[int]) -> Finding:
    for number, waiver in enumerate(waivers):
        if waiver.too_broad or not waiver.covers(finding):
            continue
        used.add(number)
        if waiver.approved and not waiver.problem(today):
            accepted = {
                "by": waiver.by,
                "until": waiver.until,
                "reason": waiver.reason,
                "source": waiver.source,
            }
            return msgspec.structs.replace(finding, state="waived", waiver=accepted)
    return finding


def marked(collected: Collected) -> bool:
    """Whether anything in the manifests may be a waiver or an acceptance."""
    texts = (*(m.text for m in collected.manifests), *(d.text for d in collected.documents))
    return any(_MARK in key for m in collected.manifests for key in m.annotations) or any(
        _MARK in text.text for text in texts
    )


def inline(collected: Collected, manifests: Iterable[Manifest]) -> Iterator[Waiver]:
    """The waivers that stand in the manifests: annotations and comments."""
    objects: dict[int, list[Manifest]] = {}
    for manifest in manifests:
        yield from _annotations(manifest)
        objects.setdefault(id(manifest.text), []).append(manifest)
    for several in objects.values():
        yield from _comments(several[0].text, " ".join(sorted(m.id for m in several)))
    for plain in collected.documents:
        yield from _comments(plain.text, PurePath(plain.text.file).name)


def counted(found: Iterable[Waiver], approved: frozenset[str] | None) -> list[Waiver]:
    """The waivers, those marked that are not among the approved ones (None: all are)."""
    if approved is None:
        return list(found)
    return [msgspec.structs.replace(w, approved=w.identity in approved) for w in found]


def _annotations(manifest: Manifest) -> Iterator[Waiver]:
    for key, value in manifest.annotations.items():
        if not key.startswith(ANNOTATION):
            continue
        fields = dict(part.strip().partition("=")[::2] for part in value.split(";"))
        target = manifest.ref
        yield Waiver(
            policy=key.removeprefix(ANNOTATION).replace(".", "/", 1),
            by=fields.get("by", ""),
            until=fields.get("until", ""),
            reason=fields.get("reason", ""),
            source=f"{manifest.text.file}: annotation of {target}",
            target={
                "kind": target.kind,
                "namespace": target.namespace,
                "name": target.name,
            },
            place=Evidence(manifest.id, pointer("metadata", "annotations", key), "the waiver"),
            anchor=manifest.id,
        )


def _comments(text: SourceText, about: str) -> Iterator[Waiver]:
    if "kguard:" not in text.text:
        return
    rows = text.text.split("\n")
    for number, row in enumerate(rows, start=text.line):
        match = _COMMENT.search(row)
        if match is None:
            continue
        fields = dict(_PAIR.findall(match[2]))
        yield Waiver(
            policy=match[1].strip(),
            by=fields.get("by", ""),
            until=fields.get("until", ""),
            reason=_PAIR.sub("", match[2]).strip(),
            source=f"{text.file}:{number}",
            file=text.file,
            line=number,
            place=Evidence(f"file:{text.file}", note="the waiver", line=number),
            anchor="\n".join([about, row[: match.start()], *rows[number - text.line + 1 :][:1]]),
        )


class _Target(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    kind: str = ""
    namespace: str = ""
    name: str = ""


class _Entry(msgspec.Struct, forbid_unknown_fields=True):
    policy: str
    by: str
    until: Any
    reason: str
    target: _Target = _Target()


class _File(msgspec.Struct, forbid_unknown_fields=True):
    waivers: list[_Entry]


def read(path: Path) -> list[Waiver]:
    """The waivers of a file: `waivers: [{policy, by, until, reason, target: {...}}]`.

    Raises:
        ConfigError: the file cannot be read or has another shape.
    """
    from kguard.sources.yaml import Document, load

    try:
        documents = list(load(path.read_bytes()))
    except OSError as error:
        raise ConfigError(
            f"the waivers file cannot be read: {reason(error)}",
            where=str(path),
            hint="docs/waivers.md shows how one is written",
        ) from None
    found = []
    for document in documents:
        if not isinstance(document, Document):
            where = f"{path}:{document.line}:{document.column}"
            raise ConfigError(document.message, where=where, hint=document.hint)
        try:
            entries = msgspec.convert(document.value, _File).waivers
        except msgspec.ValidationError as error:
            raise _wrong(path, document, error) from None
        found += [_waiver(entry, path) for entry in entries]
    return found


def _wrong(path: Path, document: Any, error: Exception) -> ConfigError:
    """An error with the place of the entry that has the wrong shape."""
    from kguard.sources.yaml import locate

    message, steps = validation(error)
    span = locate(document.text, document.line, pointer(*steps)).value
    return ConfigError(
        f"the waiver is wrong: {message[0].lower()}{message[1:]}",
        where=f"{path}:{span.line}:{span.column}",
        hint="see docs/waivers.md",
    )


def _waiver(entry: _Entry, path: Path) -> Waiver:
    target = {key: value for key, value in msgspec.structs.asdict(entry.target).items() if value}
    fields = msgspec.structs.asdict(entry) | {"until": str(entry.until), "source": str(path)}
    fields["target"] = target
    return Waiver(**fields)
