# SPDX-License-Identifier: Apache-2.0
"""How does `kguard audit replay` hold a log against a policy, and tell what is in it?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click
import msgspec

from kguard.cli.audit_files import lines_of, policy_of
from kguard.cli.output import clean, write, write_json
from kguard.errors import UsageError

if TYPE_CHECKING:
    from kguard.layers.audit.semantics.journal import Example, Journal
    from kguard.layers.audit.semantics.replay import Contradiction

SHOWN = 5
"""How many contradictions of a log are told."""

LONG_SILENCE = 300.0
"""Seconds; an API server in use writes something more often."""


class Contradicting(msgspec.Struct, frozen=True):
    """An event that the policy does not explain; `rule` is null where none matches."""

    place: str
    request: str
    reason: str
    rule: int | None


class Seen(msgspec.Struct, frozen=True):
    """One request that is an example of an activity."""

    place: str
    time: str
    request: str
    as_user: str
    """In whose name; empty where nobody was impersonated."""


class Activity(msgspec.Struct, frozen=True):
    """Requests of a kind that is worth a look."""

    kind: str
    title: str
    count: int
    examples: tuple[Seen, ...]


class Silence(msgspec.Struct, frozen=True):
    """The longest time without any event; times as the log writes them."""

    seconds: float
    before: str
    after: str


class Unseen(msgspec.Struct, frozen=True):
    """Somebody who impersonates others, with the index of a rule that leaves requests out."""

    user: str
    rule: int


class Document(msgspec.Struct, frozen=True):
    """What a replay tells."""

    schema: str
    events: int
    requests: int
    contradicted: int
    contradictions: tuple[Contradicting, ...]
    unfinished: int
    """Requests that began and have not ended when the log does."""
    out_of_order: int
    silence: Silence | None
    hidden: tuple[Unseen, ...]
    activities: tuple[Activity, ...]


@click.command("replay")
@click.option("--policy", "policy_file", required=True, metavar="FILE", help="The audit policy.")
@click.option(
    "--log",
    "logs",
    required=True,
    multiple=True,
    metavar="FILE",
    help="Its log, also as .gz; several in the order in which they were written.",
)
@click.option("--kube-version", default="", metavar="V", help="Of the API server, such as 1.36.")
@click.option("-o", "--output", type=click.Choice(["txt", "json"]), default="txt")
def replay(policy_file: str, logs: tuple[str, ...], kube_version: str, output: str) -> int:
    r"""Tell whether a log was written under a policy: exit code 1 if an event contradicts it.

    It also tells whether the log is complete, and which requests in it are worth a look.

    \b
    Examples:
      kguard audit replay --policy audit-policy.yaml --log audit.log
      kguard audit replay --policy audit-policy.yaml --log audit-1.log.gz --log audit.log -o json
    """
    from kguard.layers.audit.semantics.journal import Journal

    journal = Journal(policy_of(policy_file, kube_version))
    wrong = [_contradicting(place, found) for place, found in _read(journal, logs)]
    found = _document(journal, tuple(wrong))
    if output == "json":
        write_json(found)
    else:
        write("".join(clean(line) + "\n" for line in _told(found, policy_file)), "")
    return 1 if found.contradicted else 0


def _read(journal: Journal, logs: tuple[str, ...]) -> Iterator[tuple[str, Contradiction]]:
    """The first events that the policy does not explain."""
    from kguard.layers.audit.semantics.replay import Event

    decode = msgspec.json.Decoder(Event).decode
    for name in logs:
        journal.replay.begin()
        for place, line in lines_of(name):
            try:
                found = journal.feed(decode(line), place)
            except msgspec.DecodeError as error:
                raise UsageError(f"this is no audit event: {error}", where=place) from None
            if found is not None and journal.contradictions <= SHOWN:
                yield place, found


def _contradicting(place: str, found: Contradiction) -> Contradicting:
    from kguard.layers.audit.facts.words import request_words

    rule = found.rule if found.rule >= 0 else None
    return Contradicting(place, request_words(found.request), found.reason, rule)


def _document(journal: Journal, wrong: tuple[Contradicting, ...]) -> Document:
    from kguard.layers.audit.semantics.activity import WORDS

    return Document(
        schema="kguard/audit-replay/v1",
        events=journal.events,
        requests=journal.requests,
        contradicted=journal.contradictions,
        contradictions=wrong,
        unfinished=journal.replay.open + journal.replay.forgotten,
        out_of_order=journal.backwards,
        silence=Silence(*journal.gap) if journal.gap else None,
        hidden=tuple(Unseen(*found) for found in journal.hidden()),
        activities=tuple(
            Activity(kind, title, journal.counts[kind], _seen(journal.examples[kind]))
            for kind, title in WORDS.items()
            if kind in journal.counts
        ),
    )


def _seen(examples: list[Example]) -> tuple[Seen, ...]:
    from kguard.layers.audit.facts.words import request_words

    return tuple(
        Seen(
            place,
            event.written,
            request_words(known.request),
            event.impersonated.username if event.impersonated else "",
        )
        for place, known, event in examples
    )


def _told(found: Document, policy: str) -> Iterator[str]:
    for wrong in found.contradictions:
        rule = f"rule {wrong.rule + 1}" if wrong.rule is not None else "no rule"
        yield f"{wrong.place}: {wrong.request}: {wrong.reason} ({rule})"
    wrongly = found.contradicted
    verdict = f"{wrongly} contradict" if wrongly else "all explained by"
    yield f"{found.events} events, {verdict} {policy}"
    yield f"{found.requests} requests, {found.unfinished} without an end in the log"
    if found.out_of_order:
        yield f"{found.out_of_order} events are older than the one before"
    silence = found.silence
    if silence is not None and silence.seconds >= LONG_SILENCE:
        yield f"nothing for {silence.seconds:.0f} s, from {silence.before} to {silence.after}"
    for hidden in found.hidden:
        yield (
            f"{hidden.user} impersonates others, and rule {hidden.rule + 1} leaves out"
            " requests that are sent by this user"
        )
    for activity in found.activities:
        yield f"{activity.count:8}  {activity.title}"
        for seen in activity.examples[:1]:
            name = f" as {seen.as_user}" if seen.as_user else ""
            yield f"          {seen.place}: {seen.request}{name}"
