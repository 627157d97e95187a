# SPDX-License-Identifier: Apache-2.0
"""How does `kguard audit` tell what the API server would record?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click
import msgspec

from kguard.cli.audit_files import lines_of, policy_of
from kguard.cli.audit_replay import replay
from kguard.cli.inputs import input_options, layer_facts
from kguard.cli.output import clean, write, write_json
from kguard.errors import UsageError

if TYPE_CHECKING:
    from kguard.model.facts.audit import AuditPolicy, Facts, Hole

SHOWN = 5
"""How many requests are shown that one family loses."""

_VERDICTS = {
    "proven-on": "it records",
    "proven-off": "it records nothing",
    "policy-unknown": "all flags are set, its policy is not in the input",
    "managed-unknown": "managed, its provider's setting is not in the input",
    "unknown": "not known whether it records",
}
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


command.add_command(replay)


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

    policy = policy_of(policy_file, kube_version)
    decoder = msgspec.json.Decoder(Attributes)
    encoder = msgspec.json.Encoder()
    lines = []
    for place, line in lines_of(requests):
        try:
            decided = evaluate(policy, decoder.decode(line))
        except msgspec.DecodeError as error:
            raise UsageError(f"this is no request: {error}", where=place) from None
        rule = decided.rule if decided.rule >= 0 else None
        row = Decision(decided.level, decided.omit_stages, decided.omit_managed_fields, rule)
        lines.append(encoder.encode(row).decode())
    write("".join(f"{line}\n" for line in lines), "")
    return 0


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
        write_json(rows)
        return 0
    write("".join(f"{line}\n" for line in _table(facts, rows)), "")
    return 0


def _facts(arguments: dict[str, Any]) -> Facts:
    found: Facts = layer_facts("audit", arguments)
    return found


def _rows(policy: AuditPolicy) -> Iterator[Row]:
    for family in policy.families:
        witnesses = tuple(_escapes(hole) for hole in family.holes)
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


def _escapes(hole: Hole) -> str:
    """A request that is recorded too thinly, and the rule that decides so."""
    stages = ", which leaves the response out" if hole.cause == "stages" else ""
    return f"{hole.witness.text}: {hole.rule}{stages}"


def _table(facts: Facts, rows: list[Row]) -> Iterator[str]:
    from kguard.layers.audit.semantics.coverage import MAX_RULES

    if not facts.policies:
        yield "no audit policy in the input"
    for policy in facts.policies:
        used = ", ".join(policy.servers) or "no API server of the input"
        yield clean(f"{policy.name} ({policy.state}; used by {used})")
        for problem in policy.problems:
            yield clean(f"  refused: {problem.text}")
        if any(family.state == "unknown" for family in policy.families):
            yield (
                "  the policy is too large to be judged in every respect: it has more than"
                f" {MAX_RULES:,} rules, or they divide requests into too many parts"
            )
        for row in (row for row in rows if row.policy == policy.name):
            mark = _MARKS[row.state]
            levels = f"needs {row.floor:9} has {row.level:15}"
            yield clean(f"  {mark} {row.family:16} {levels} {row.title}")
            yield from (clean(f"         {witness}") for witness in _some(row.witnesses))
        for excess in policy.excesses:
            yield clean(f"  OVER {excess.limit:16} {excess.level:15} {excess.witness.text}")
        for lint in policy.lints:
            yield clean(f"  LINT {lint.path}: {lint.text}")
    for server in facts.servers:
        yield clean(f"API server of {server.ref.name} ({server.how}): {_VERDICTS[server.verdict]}")


def _some(witnesses: tuple[str, ...]) -> Iterator[str]:
    yield from witnesses[:SHOWN]
    if len(witnesses) > SHOWN:
        yield f"and {len(witnesses) - SHOWN} more rules that hide something"
