# SPDX-License-Identifier: Apache-2.0
"""Where in the input does a piece of evidence stand?

Evidence is symbolic (an object and a JSON pointer) until a report needs lines: only then is the
one document read again with positions.
"""

from __future__ import annotations

from kguard.inventory.index import Inventory
from kguard.model.facts.common import Evidence
from kguard.model.findings import Quote
from kguard.model.locations import Location, Span
from kguard.model.manifests import Manifest, PlainDocument, PlainFile, SourceText
from kguard.model.redaction import redact
from kguard.sources.yaml import Location as Located
from kguard.sources.yaml import lines_of, locate

_RENDERED = Span(1, 1, 1, 1)
"""Lines of rendered output are no lines of a file: the template or kustomization as such."""


class Places:
    """Turns evidence into locations and quotes; remembers what it already looked up."""

    def __init__(self, inventory: Inventory) -> None:
        self.inventory = inventory
        self._regions: dict[tuple[int, str], tuple[Span, str]] = {}
        self._quotes: dict[Evidence, tuple[Quote, Location | None]] = {}

    def quote(self, evidence: Evidence) -> tuple[Quote, Location | None]:
        """A piece of evidence as reports show it, and its place, unless it is an absence."""
        known = self._quotes.get(evidence)
        if known is None:
            known = self._quotes[evidence] = self._quote(evidence)
        return known

    def _quote(self, evidence: Evidence) -> tuple[Quote, Location | None]:
        found = self.inventory.by_id(evidence.ref) if evidence.ref else None
        if isinstance(found, PlainFile):
            return self._in_file(found, evidence)
        if isinstance(found, Manifest):
            inside = found.pointer + (evidence.pointer or _name_of(found))
            return self._in_text(found.text, inside, evidence, str(found.ref))
        if isinstance(found, PlainDocument):
            return self._in_text(found.text, evidence.pointer, evidence, "")
        if evidence.ref.startswith("file:") and evidence.line:
            return self._in_file(PlainFile(evidence.ref.removeprefix("file:"), ""), evidence)
        return Quote(note=evidence.note, role=evidence.role), None

    def _in_file(self, plain: PlainFile, evidence: Evidence) -> tuple[Quote, Location]:
        if plain.cluster:
            return _of_cluster(plain, evidence)
        line = max(evidence.line, 1)
        text = redact(_line(plain.content, line))
        quote = Quote(
            note=evidence.note,
            role=evidence.role,
            file=plain.file,
            line=line,
            column=1,
            text=text,
        )
        place = Location(
            role=evidence.role,
            file=plain.file,
            line=line,
            column=1,
            end_line=line,
            end_column=len(text) + 1,
        )
        return quote, place

    def _in_text(
        self, text: SourceText, inside: str, evidence: Evidence, name: str
    ) -> tuple[Quote, Location]:
        if text.cluster:
            quote = Quote(
                note=evidence.note,
                role=evidence.role,
                cluster=text.cluster,
                object=name,
                path=evidence.pointer,
            )
            path = f"{name}{evidence.pointer}"
            return quote, Location(role=evidence.role, cluster=text.cluster, path=path)
        span, line = self._region(text, inside)
        if evidence.line:
            span = self._line_within(text, inside, span, evidence.line)
            line = redact(_line(text.text, span.line - text.line + 1))
        if text.rendered_by:
            span = _RENDERED
        quote = Quote(
            note=evidence.note,
            role=evidence.role,
            file=text.file,
            line=0 if text.rendered_by else span.line,
            column=0 if text.rendered_by else span.column,
            text="" if _in_secret(name) else line,
            object=name,
            path=evidence.pointer,
        )
        place = Location(
            role=evidence.role,
            file=text.file,
            line=span.line,
            column=span.column,
            end_line=span.end_line,
            end_column=span.end_column,
            path=evidence.pointer if text.rendered_by else "",
        )
        return quote, place

    def _line_within(self, text: SourceText, inside: str, span: Span, line: int) -> Span:
        """A line of the text that stands at a pointer, where it is a block of lines."""
        number = text.line + line - 1
        if inside:
            value = _located(text, inside).value
            number = value.line + line
            opening = _line(text.text, value.line - text.line + 1)[value.column - 1 :]
            if not opening.startswith(("|", ">")):
                return span
        end = len(_line(text.text, number - text.line + 1)) + 1
        return Span(number, 1, number, end)

    def _region(self, text: SourceText, inside: str) -> tuple[Span, str]:
        """From the key to the end of the value at a pointer, and its first line."""
        key = (id(text), inside)
        if key not in self._regions:
            found = _located(text, inside)
            start = found.key or found.value
            end = found.value
            span = Span(start.line, start.column, end.end_line, end.end_column)
            self._regions[key] = span, redact(_line(text.text, span.line - text.line + 1))
        return self._regions[key]


def _located(text: SourceText, inside: str) -> Located:
    return locate(text.text, text.line, inside, block=text.block, shape=text.shape)


def _of_cluster(plain: PlainFile, evidence: Evidence) -> tuple[Quote, Location]:
    """A text that a cluster gave has a path there, and no lines that somebody could look up."""
    quote = Quote(note=evidence.note, role=evidence.role, cluster=plain.cluster, path=plain.file)
    return quote, Location(role=evidence.role, cluster=plain.cluster, path=plain.file)


def _in_secret(name: str) -> bool:
    return name.startswith("Secret ")


def _line(text: str, number: int) -> str:
    lines = lines_of(text)
    return lines[number - 1] if 0 < number <= len(lines) else ""


def _name_of(manifest: Manifest) -> str:
    """Where an object says which one it is: evidence about the whole of it stands there."""
    return "/metadata/name" if manifest.metadata.get("name") else "/kind"
