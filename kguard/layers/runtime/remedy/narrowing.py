# SPDX-License-Identifier: Apache-2.0
"""How much of an override can stay, where it silences or weakens rules?

Its portions are taken back in one by one, in the order in which they are written; each stays that
does no harm beside those before it. Harm is what the facts would say of the item: a rule that it
kills or switches off, an attack that a rule no longer sees, a gap that is wider than one program or
image, a less urgent priority. Where nothing can stay, the whole item goes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

import msgspec

from kguard.layers.runtime.facts.rulesets import load_texts
from kguard.layers.runtime.facts.texts import Text
from kguard.layers.runtime.facts.weakened import partly_weakened, weakened
from kguard.layers.runtime.remedy.editing import NotEditableError, without_items
from kguard.layers.runtime.remedy.losses import losses_of
from kguard.layers.runtime.remedy.places import Setup, plain
from kguard.layers.runtime.remedy.portions import Portion, left_out, portions
from kguard.layers.runtime.semantics.overrides import stood_in
from kguard.layers.runtime.semantics.scenarios import SCENARIOS
from kguard.model.facts.runtime import Breadth, Weakening
from kguard.model.manifests import mapping
from kguard.model.remedies import Operation
from kguard.sources.yaml import untyped
from kguard.sources.yaml.splice import SpliceRefused, splice
from kguard.sources.yaml.untyped import Sequence as Items

MAX_PORTIONS = 24
"""Portions of one item that are tried; one with more goes as a whole."""


class Narrowing(msgspec.Struct, frozen=True):
    """The edits of a rules file, relative to it, after which no item of it does harm."""

    operations: tuple[Operation, ...]
    narrowed: tuple[int, ...]
    """The lines of items of which a part stays."""


def narrowing(
    setup: Setup, text: Text, lines: Sequence[int], tolerated: Collection[Breadth]
) -> Narrowing | None:
    """How the items at these lines are narrowed or taken out; None where all go as a whole.

    Args:
        setup: the Falco, or the rules alone, that read the file.
        text: the file.
        lines: where the items start that do harm, from 1.
        tolerated: how wide a gap may be that an item leaves.
    """
    items = _numbers(text)
    if not items or not all(line in items for line in lines):
        return None
    judge = _Judge(setup, text, frozenset(tolerated))
    operations: list[Operation] = []
    narrowed = []
    for line in sorted(lines, reverse=True):
        number, item = items[line]
        others = [] if text.structured else [other for other in lines if other != line]
        kept = judge.kept(number, item, line, others)
        narrowed += [line] if kept else []
        operations += _placed(kept, number) or [Operation("remove", f"/{number}")]
    done = Narrowing(tuple(operations), tuple(sorted(narrowed)))
    return done if narrowed and judge.writable(done.operations) else None


def _numbers(text: Text) -> dict[int, tuple[int, dict[str, object]]]:
    """Number and content of each item, by the line where it starts."""
    documents = untyped.load(text.content)
    if len(documents) != 1 or not isinstance(documents[0], Items):
        return {}
    items = documents[0].items
    return {item.line: (number, mapping(plain(item))) for number, item in enumerate(items)}


def _placed(operations: Sequence[Operation], number: int) -> list[Operation]:
    return [Operation(op.op, f"/{number}{op.pointer}", op.value) for op in operations]


class _Judge:
    """Tries portions of items in the place of the items."""

    def __init__(self, setup: Setup, text: Text, tolerated: frozenset[Breadth]) -> None:
        self.setup = setup
        self.text = text
        self.tolerated = tolerated

    def kept(
        self, number: int, item: dict[str, object], line: int, others: Sequence[int]
    ) -> list[Operation]:
        """The edits that leave the most of an item, judged without the others; empty for none."""
        rest = portions(item)
        if not 1 < len(rest) <= MAX_PORTIONS:
            return []
        dropped = set(rest)
        for portion in rest:
            dropped.discard(portion)
            if not self._is_harmless(number, item, dropped, line, others):
                dropped.add(portion)
        if not dropped:
            return []
        return left_out(item, dropped) or []

    def _is_harmless(
        self,
        number: int,
        item: dict[str, object],
        dropped: set[Portion],
        line: int,
        others: Sequence[int],
    ) -> bool:
        operations = left_out(item, dropped)
        if operations is None:
            return True
        try:
            content = splice(_blanked(self.text.content, others), _placed(operations, number))
        except (SpliceRefused, NotEditableError):
            return False
        return not any(self._harm(content, line))

    def writable(self, operations: Sequence[Operation]) -> bool:
        """Whether the file can be edited so, and then does no harm."""
        try:
            content = splice(self.text.content, operations)
        except SpliceRefused:
            return False
        return self._loads(content)

    def _loads(self, content: str) -> bool:
        changed = self._with(content)
        if changed.rules.is_complete:
            return changed.rules.ruleset.successful
        return bool(stood_in(changed.rules.files(), changed.rules.environment))

    def _with(self, content: str) -> Setup:
        rules = self.setup.rules
        here = msgspec.structs.replace(self.text, content=content)
        texts = [here if text.name == self.text.name else text for text in rules.texts]
        loaded = load_texts(texts, rules.missing, rules.environment, rules.syscalls)
        return msgspec.structs.replace(self.setup, rules=loaded)

    def _harm(self, content: str, line: int) -> Iterator[bool]:
        """What the item at a line takes away, as the facts would have it."""
        changed = self._with(content)
        yield not self._loads(content)
        for loss in losses_of(changed):
            if loss.effect in ("dead", "disabled") and loss.file == self.text.name:
                yield loss.line == line
        for one in _weakened(changed):
            if one.file == self.text.name and one.line == line:
                wide = one.breadth not in self.tolerated or one.effect != "narrowed"
                yield wide or bool(one.detections)


def _blanked(content: str, lines: Sequence[int]) -> str:
    """The text with idle items instead of those at these lines, and every line where it was."""
    for line in lines:
        before = content.splitlines(keepends=True)
        rest = without_items(content, [line]).splitlines(keepends=True)
        idle = [f"{before[line - 1].partition('-')[0]}- ~\n"]
        idle += ["\n"] * (len(before) - len(rest) - 1)
        content = "".join([*rest[: line - 1], *idle, *rest[line - 1 :]])
    return content


def _weakened(setup: Setup) -> list[Weakening]:
    rules, falco = setup.rules, setup.falco
    if not rules.is_complete:
        return list(partly_weakened(rules, setup.owner, SCENARIOS))
    selected = (falco.selections, falco.settings.minimum) if falco else ()
    return list(weakened(rules, setup.owner, rules.ruleset.order(*selected), SCENARIOS))
