# SPDX-License-Identifier: Apache-2.0
"""What does an audit log tell: is it complete, and who did what?

Authority: k8s.io/apiserver pkg/audit/request.go (what an event holds), pkg/endpoints/filters
(authn_audit.go: a refused login has no user; impersonation.go: the original user stays in `user`).
Everything is counted while events go by: memory does not grow with the log.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from kguard.layers.audit.semantics.activity import Kind, is_probe, is_wide, kinds
from kguard.layers.audit.semantics.policy import Policy
from kguard.layers.audit.semantics.replay import FIRST, LAST, Contradiction, Event, Known, Replay
from kguard.layers.audit.semantics.space import ANONYMOUS

EXAMPLES = 3
"""Examples that are kept of each kind."""

MAX_PEOPLE = 1_000
"""Impersonating users that are remembered."""

MAX_KINDS = 50_000
"""Requests whose kinds are remembered."""

_CODES = {401: "refused-login", 403: "denied", 429: "throttled"}


class Example(NamedTuple):
    """One request of a kind, with its place in the log."""

    place: str
    known: Known
    event: Event


class Gap(NamedTuple):
    """The longest time in which nothing was written."""

    seconds: float
    before: str
    after: str


class Hidden(NamedTuple):
    """Somebody who impersonates others, and a rule that leaves out requests of his."""

    user: str
    rule: int


class Journal:
    """Counts what goes by."""

    def __init__(self, policy: Policy) -> None:
        self.replay = Replay(policy)
        self.events = 0
        self.requests = 0
        self.contradictions = 0
        self.backwards = 0
        """Events that are older than the one before: clocks differ, or files are out of order."""
        self.gap: Gap | None = None
        self.counts: dict[str, int] = {}
        self.examples: dict[str, list[Example]] = {}
        self._policy = policy
        self._before = ""
        self._kinds: dict[tuple[str, str, str], tuple[Kind, ...]] = {}
        self._people: dict[str, tuple[str, ...]] = {}

    def feed(self, event: Event, place: str) -> Contradiction | None:
        """Count an event; why the policy does not explain it, if it does not."""
        self.events += 1
        self._clock(event.written)
        found = self.replay.feed(event)
        if found is not None:
            self.contradictions += 1
        if event.annotations is not None and event.annotations.truncated == "true":
            self._note("truncated", place, event)
        if event.stage in LAST or (event.stage != FIRST and not event.user.username):
            self.requests += 1
            self._activity(event, place)
        return found

    def hidden(self) -> Iterator[Hidden]:
        """Rules at level None that leave out requests of somebody who impersonates."""
        for user, groups in sorted(self._people.items()):
            for index, rule in enumerate(self._policy.rules):
                named = user in rule.users or any(group in rule.user_groups for group in groups)
                if rule.level == "None" and named:
                    yield Hidden(user, index)

    def _clock(self, now: str) -> None:
        before, self._before = self._before, now
        # Within one minute there is no gap worth a word: only then are times worked out.
        if before[:16] == now[:16] or not before:
            self.backwards += now < before
            return
        try:
            spent = (datetime.fromisoformat(now) - datetime.fromisoformat(before)).total_seconds()
        except (ValueError, TypeError):
            return
        self.backwards += spent < 0
        if self.gap is None or spent > self.gap.seconds:
            self.gap = Gap(spent, before, now)

    def _activity(self, event: Event, place: str) -> None:
        key = (event.verb, event.request_uri, event.user.username)
        found = self._kinds.get(key)
        if found is None:
            if len(self._kinds) >= MAX_KINDS:
                self._kinds.clear()
            request = self.replay.known(event).request
            found = self._kinds[key] = kinds(request, event.request_uri)
        for kind in found:
            wide = kind == "grant" and is_wide(bytes(event.body))
            self._note("wide-grant" if wide else kind, place, event)
        self._outcome(event, place)

    def _outcome(self, event: Event, place: str) -> None:
        code = event.answer.code if event.answer is not None else 0
        if code in _CODES:
            self._note(_CODES[code], place, event)
        elif event.user.username == ANONYMOUS and not is_probe(event.request_uri):
            self._note("anonymous", place, event)
        if event.impersonated is not None:
            self._note("impersonation", place, event)
            if len(self._people) < MAX_PEOPLE:
                self._people[event.user.username] = event.user.groups

    def _note(self, kind: str, place: str, event: Event) -> None:
        self.counts[kind] = self.counts.get(kind, 0) + 1
        kept = self.examples.setdefault(kind, [])
        if len(kept) < EXAMPLES:
            kept.append(Example(place, self.replay.known(event), event))
