# SPDX-License-Identifier: Apache-2.0
"""How does `kguard audit` tell what the API server would record?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from kguard.cli.inputs import collect, input_options, options, settings
from kguard.cli.output import clean, write
from kguard.errors import SourceError, UsageError

if TYPE_CHECKING:
    from kguard.layers.audit.semantics.policy import Policy
    from kguard.model.facts.audit import AuditPolicy, Facts

MAX_LINE = 16 << 20
"""Bytes of one line; more is refused."""

SHOWN = 5
"""How many contradictions of a log are printed."""

_MARKS = {"recorded": "ok  ", "hole": "HOLE", "unknown": "?   "}


class Decision(msgspec.Struct, frozen=True, rename="camel"):
    """How one request is recorded; `rule` is the index of the rule, null where none matches."""

    level: str
    omit_stages: tuple[str, ...]
    omit_managed_fields: bool
    rule: int | None


class Row(msgspec.Struct, frozen=True):
    """One family of management operations under one policy."""

    policy: str
    family: str
    title: str
    floor: str
    level: str
    state: str
    in_use: str
    witnesses: tuple[str, ...]


@click.group("audit")
def command() -> None:
    """Show what the API server records, by its own rules.

    \b
    Examples:
      kguard audit eval --policy audit-policy.yaml requests.ndjson
      kguard audit coverage cluster/
      kguard audit replay --policy audit-policy.yaml --log audit.log
    """


@command.command("eval")
@click.argument("requests")
@click.option("--policy", "policy_file", required=True, metavar="FILE", help="The audit policy.")
@click.option("--kube-version", default="", metavar="V", help="Of the API server, such as 1.36.")
def eval_(requests: str, policy_file: str, kube_version: str) -> int:
    """Decide each request of an NDJSON file (`-` for stdin), one JSON line each, in order.

    \b
    A request has the fields user (null: authentication failed), groups, verb, resourceRequest,
    path, apiGroup, resource, subresource, namespace and name.

    \b
    Examples:
      kguard audit eval --policy audit-policy.yaml requests.ndjson
      kguard audit eval --policy audit-policy.yaml --kube-version 1.35 -
    """
    from kguard.layers.audit.semantics.evaluate import Attributes, evaluate

    policy = _policy(policy_file, kube_version)
    decoder = msgspec.json.Decoder(Attributes)
    encoder = msgspec.json.Encoder()
    lines = []
    for place, line in _lines(requests):
        try:
            decided = evaluate(policy, decoder.decode(line))
        except msgspec.DecodeError as error:
            raise UsageError(f"this is no request: {error}", where=place) from None
        rule = decided.rule if decided.rule >= 0 else None
        row = Decision(decided.level, decided.omit_stages, decided.omit_managed_fields, rule)
        lines.append(encoder.encode(row).decode())
    write("".join(f"{line}\n" for line in lines), "")
    return 0


@command.command("replay")
@click.option("--policy", "policy_file", required=True, metavar="FILE", help="The audit policy.")
@click.option("--log", "log_file", required=True, metavar="FILE", help="Its log, also as .gz.")
@click.option("--kube-version", default="", metavar="V", help="Of the API server, such as 1.36.")
def replay(policy_file: str, log_file: str, kube_version: str) -> int:
    r"""Tell whether a log was written under a policy: exit code 1 if an event contradicts it.

    \b
    Examples:
      kguard audit replay --policy audit-policy.yaml --log audit.log
      kguard audit replay --policy audit-policy.yaml --log audit-2026-11-23.log.gz
    """
    from kguard.layers.audit.facts.words import request_words
    from kguard.layers.audit.semantics.replay import Event, Replay

    held = Replay(_policy(policy_file, kube_version))
    decoder = msgspec.json.Decoder(Event)
    events = wrong = 0
    for place, line in _lines(log_file):
        try:
            found = held.feed(decoder.decode(line))
        except msgspec.DecodeError as error:
            raise UsageError(f"this is no audit event: {error}", where=place) from None
        events += 1
        if found is not None:
            wrong += 1
            if wrong <= SHOWN:
                rule = f"rule {found.rule + 1}" if found.rule >= 0 else "no rule"
                asked = request_words(found.request)
                write(clean(f"{place}: {asked}: {found.reason} ({rule})") + "\n", "")
    verdict = "all explained by" if not wrong else f"{wrong} contradict"
    write(clean(f"{events} events, {verdict} {policy_file}") + "\n", "")
    return 1 if wrong else 0


@command.command("coverage")
@input_options
@click.option("-o", "--output", type=click.Choice(["txt", "json"]), default="txt")
def coverage(output: str, **arguments: Any) -> int:
    """List the families of management operations: what must be recorded, and what is.

    \b
    Examples:
      kguard audit coverage audit-policy.yaml
      kguard audit coverage cluster/ -o json
    """
    facts = _facts(arguments)
    rows = [row for policy in facts.policies for row in _rows(policy)]
    if output == "json":
        write(msgspec.json.format(msgspec.json.encode(rows), indent=2).decode() + "\n", "")
        return 0
    write("".join(f"{line}\n" for line in _table(facts, rows)), "")
    return 0


def _policy(name: str, version_text: str) -> Policy:
    """The policy of a file, as the API server loads it.

    Raises:
        UsageError: the API server would refuse it, or the version is none.
        SourceError: the file cannot be read.
    """
    from kguard.layers.audit.facts.files import read_policy
    from kguard.layers.audit.semantics.version import parse_version

    version = parse_version(version_text)
    if version_text and version is None:
        raise UsageError(f"--kube-version {version_text} is no version", hint="write 1.36")
    try:
        data = Path(name).read_bytes()
    except OSError as error:
        raise SourceError(f"the policy cannot be read: {error.strerror}", where=name) from None
    found = read_policy(data, version)
    if found.loaded.policy is None or found.loaded.state == "invalid":
        problem = found.loaded.problems[0].message
        where = f"{name}:{found.line}:{found.column}" if found.line else name
        raise UsageError(f"the API server does not start with this policy: {problem}", where=where)
    return found.loaded.policy


def _lines(name: str) -> Iterator[tuple[str, bytes]]:
    """The lines of a file that are not empty, with their places.

    Raises:
        SourceError: the file cannot be read.
        UsageError: a line is too long.
    """
    import gzip
    import zlib

    number = 0
    try:
        with click.open_file(name, "rb") as plain:
            stream = gzip.GzipFile(fileobj=plain) if name.endswith(".gz") else plain
            while line := stream.readline(MAX_LINE + 1):
                number += 1
                if len(line) > MAX_LINE:
                    raise UsageError(f"longer than {MAX_LINE} bytes", where=f"{name}:{number}")
                if line.strip():
                    yield f"{name}:{number}", bytes(line)
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise SourceError(f"the file cannot be read: {reason}", where=name) from None


def _facts(arguments: dict[str, Any]) -> Facts:
    from kguard.scan import compute, inventory_of

    config = settings(arguments)
    chosen = msgspec.structs.replace(options(arguments, config), layers=("audit",))
    facts: Facts = compute(inventory_of(collect(arguments, config), chosen), chosen)["audit"]
    return facts


def _rows(policy: AuditPolicy) -> Iterator[Row]:
    for family in policy.families:
        witnesses = tuple(hole.witness.text for hole in family.holes)
        yield Row(
            policy.name,
            family.id,
            family.title,
            family.floor,
            family.level,
            family.state,
            family.in_use,
            witnesses,
        )


def _table(facts: Facts, rows: list[Row]) -> Iterator[str]:
    if not facts.policies:
        yield "no audit policy in the input"
    for policy in facts.policies:
        used = ", ".join(policy.servers) or "no API server of the input"
        yield clean(f"{policy.name} ({policy.state}; used by {used})")
        for problem in policy.problems:
            yield clean(f"  refused: {problem.text}")
        for row in (row for row in rows if row.policy == policy.name):
            mark = _MARKS[row.state]
            levels = f"needs {row.floor:9} has {row.level:15}"
            yield clean(f"  {mark} {row.family:16} {levels} {row.title}")
            for witness in row.witnesses:
                yield clean(f"         {witness}")
        for excess in policy.excesses:
            yield clean(f"  OVER {excess.limit:16} {excess.level:15} {excess.witness.text}")
