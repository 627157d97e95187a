# SPDX-License-Identifier: Apache-2.0
"""How does `kguard policies` list, show, test and begin policies?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import msgspec

from kguard import layers
from kguard.cli.output import clean, note, write_json
from kguard.engine import catalog, own
from kguard.errors import UsageError, suggested
from kguard.model.findings import FAMILIES, Policy, Severity


class Row(msgspec.Struct, kw_only=True):
    """A policy, as far as a list of policies shows it."""

    id: str
    layer: str
    title: str
    description: str
    severity: Severity
    kind: str
    subjects: str
    remedy: str
    no_remedy: str
    controls: tuple[str, ...]
    since: str
    params: dict[str, Any]


@click.group("policies")
def command() -> None:
    """List, show, test and begin policies.

    \b
    Examples:
      kguard policies list
      kguard policies show network/no-default-deny
    """


@command.command("list")
@click.option("--layer", type=click.Choice(FAMILIES))
@click.option("--policies", "folders", multiple=True, metavar="DIR")
@click.option("-o", "--output", type=click.Choice(["txt", "json"]), default="txt")
def list_(layer: str | None, folders: tuple[str, ...], output: str) -> int:
    """Name every policy with its severity."""
    chosen = [policy for policy in _all(folders) if layer in (None, policy.layer)]
    chosen.sort(key=lambda policy: (FAMILIES.index(policy.layer), policy.id))
    if output == "json":
        rows = [_row(policy) for policy in chosen]
        write_json(rows)
        return 0
    width = max((len(policy.id) for policy in chosen), default=0)
    for policy in chosen:
        click.echo(clean(f"{policy.id:{width}}  {policy.severity:8}  {policy.title}"))
    return 0


@command.command("show")
@click.argument("name")
@click.option("--policies", "folders", multiple=True, metavar="DIR")
def show(name: str, folders: tuple[str, ...]) -> int:
    """Print what a policy says of itself, and its Rego."""
    policy = find(name, _all(folders))
    click.echo(describe(policy))
    click.echo()
    click.echo(policy.text.rstrip())
    return 0


@command.command("test")
@click.argument("folder", type=click.Path(exists=True, file_okay=False))
def test(folder: str) -> int:
    """Run the `_test.rego` files of your own policies."""
    from kguard.engine.embedded.policy_tests import run

    found = run(Path(folder))
    for outcome in found:
        if outcome.problem:
            click.echo(clean(f"FAILED {outcome.test}: {outcome.problem}"))
    failed = sum(bool(outcome.problem) for outcome in found)
    if not found:
        note(f"no tests in {folder}: they are rules `test_...` in files named *_test.rego")
    click.echo(f"{len(found) - failed} passed, {failed} failed")
    return 1 if failed or not found else 0


@command.command("new")
@click.argument("policy")
@click.argument("folder", type=click.Path(file_okay=False))
@click.option("--subjects", default="", metavar="NAME", help="The collection of facts to judge.")
@click.option("--objects", is_flag=True, help="Judge the manifests themselves, not facts.")
def new(policy: str, folder: str, subjects: str, *, objects: bool) -> int:
    """Begin a policy of your own, with a test: POLICY is LAYER/NAME, FOLDER holds them all.

    \b
    Examples:
      kguard policies new mtls/payments-plaintext policies/
      kguard policies new manifests/no-owner policies/ --objects
    """
    from kguard.engine import scaffold

    facts = None if objects else layers.load(scaffold.parts(policy)[0]).facts_type
    texts = scaffold.texts(policy, facts, subjects=subjects)
    for path in scaffold.write(Path(folder), texts):
        click.echo(clean(str(path)))
    note(f"next: kguard policies test {folder}")
    return 0


def _all(folders: tuple[str, ...]) -> list[Policy]:
    found = own.read([Path(folder) for folder in folders])
    for failure in found.failures:
        note(f"{failure.policy} cannot be run: {failure.reason}")
    return [*catalog.bundled(), *found.policies]


def find(name: str, policies: list[Policy]) -> Policy:
    """A policy by id or alias.

    Raises:
        UsageError: there is none; the hint names the nearest.
    """
    for policy in policies:
        if name in (policy.id, *policy.aliases):
            return policy
    known = [policy.id for policy in policies]
    hint = suggested(name, known, "`kguard policies list` names them all")
    raise UsageError(f"unknown policy `{name}`", hint=hint)


def describe(policy: Policy) -> str:
    """A policy in words."""
    closed = f"remedy {policy.remedy}" if policy.remedy else f"no remedy: {policy.no_remedy}"
    lines = [
        f"{policy.id}  {policy.severity}  ({policy.kind})",
        policy.title,
        "",
        policy.description,
        "",
        f"judges    {policy.subjects}",
        f"closed by {closed}",
    ]
    if policy.controls:
        lines.append(f"controls  {', '.join(policy.controls)}")
    lines += [f"read      {link}" for link in policy.related_resources]
    return clean_lines(lines)


def clean_lines(lines: list[str]) -> str:
    """Lines of a user's policy, safe for a terminal."""
    return "\n".join("\n".join(clean(part) for part in line.split("\n")) for line in lines)


def _row(policy: Policy) -> Row:
    return Row(**{name: getattr(policy, name) for name in Row.__struct_fields__})
