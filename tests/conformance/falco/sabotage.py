# SPDX-License-Identifier: Apache-2.0
"""Local files that spoil the upstream rules 5.1.0: how Falco 0.44.1 loads them, and what they kill.

Acceptance, enabled count, codes and the count of dead rules were recorded from the engine itself
(falco 0.44.1 with libs 0.25.4; the rules of falcosecurity/rules c72713e). Dead are the rules of the
stable file that no event can match; those of a switch or a refusal are not counted.
"""

from __future__ import annotations

from typing import Any

import msgspec

from kguard.layers.runtime.semantics.loader import Ruleset, RulesFile, Selection, load
from kguard.layers.runtime.semantics.losses import verdicts

_SHELL = "Terminal shell in container"


class Row(msgspec.Struct):
    """A local file, and what was recorded with it."""

    id: str
    content: str
    ok: bool = True
    enabled: int = 25
    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    dead: int = 0
    dead_of_all: int = 0
    """At least so many of all 93 rules, with one that upstream ships dead."""
    selections: tuple[Selection, ...] = ()


def _rule(name: str, condition: str, more: str = "") -> str:
    lines = [f"- rule: {name}", "desc: d", f"condition: {condition}", "output: o", "priority: INFO"]
    return "\n  ".join(lines) + f"\n{more}"


ROWS = (
    Row("nothing", "# nothing\n"),
    Row(
        "macro container replaced by never_true",
        "- macro: container\n  condition: (never_true)\n  override: {condition: replace}\n",
        dead=9,
        dead_of_all=33,
    ),
    Row(
        "macro spawned_process redefined",
        "- macro: spawned_process\n  condition: (evt.num=0)\n",
        warnings=("LOAD_NO_EVTTYPE",) * 11,
        dead=11,
        dead_of_all=35,
    ),
    Row(
        "macro open_read redefined",
        "- macro: open_read\n  condition: (never_true)\n",
        warnings=("LOAD_NO_EVTTYPE",) * 3,
        dead=2,
        dead_of_all=7,
    ),
    Row(
        "a hook for exceptions set always true",
        "- macro: user_expected_terminal_shell_in_container_conditions\n"
        "  condition: (evt.num>=0)\n",
        dead=1,
        dead_of_all=2,
    ),
    Row(
        "a condition appended that is never true",
        f"- rule: {_SHELL}\n  condition: and evt.num=0\n  override: {{condition: append}}\n",
        dead=1,
    ),
    Row(
        "a condition appended with or",
        f"- rule: {_SHELL}\n  condition: or proc.name=foo\n  override: {{condition: append}}\n",
        warnings=("LOAD_NO_EVTTYPE",),
    ),
    Row(
        "a rule switched off by override",
        f"- rule: {_SHELL}\n  enabled: false\n  override: {{enabled: replace}}\n",
        enabled=24,
    ),
    Row(
        "a rule switched off alone",
        f"- rule: {_SHELL}\n  enabled: false\n",
        enabled=24,
        warnings=("LOAD_DEPRECATED_ITEM",),
    ),
    Row(
        "the list shell_binaries emptied",
        "- list: shell_binaries\n  items: []\n",
        dead=2,
        dead_of_all=4,
    ),
    Row(
        "an exception with an empty prefix",
        f"- rule: {_SHELL}\n  exceptions:\n  - name: all\n    fields: [proc.name]\n"
        "    comps: [startswith]\n    values: [['']]\n  override: {exceptions: append}\n",
        ok=False,
        errors=("LOAD_ERR_YAML_VALIDATE",),
    ),
    Row(
        "an override of a rule that does not exist",
        "- rule: No such rule\n  enabled: false\n  override: {enabled: replace}\n",
        ok=False,
        errors=("LOAD_ERR_VALIDATE",),
    ),
    Row(
        "every rule with a tag disabled",
        "# nothing\n",
        enabled=0,
        selections=(Selection("disable", "tag", "container"),),
    ),
    Row(
        "all but one tag disabled",
        "# nothing\n",
        enabled=5,
        selections=(Selection("disable", "rule", "*"), Selection("enable", "tag", "network")),
    ),
    Row(
        "a misspelt key",
        _rule("Mine", "evt.type=execve", "  enable: false\n"),
        enabled=26,
        warnings=("LOAD_UNKNOWN_KEY",),
    ),
    Row(
        "a source without its plugin",
        _rule("Mine", "evt.num > 0", "  source: aws_cloudtrail\n"),
        warnings=("LOAD_UNKNOWN_SOURCE",),
    ),
    Row(
        "a field that does not exist",
        _rule("Mine", "evt.type=execve and foo.bar=1"),
        ok=False,
        errors=("LOAD_ERR_COMPILE_CONDITION",),
    ),
    Row(
        "a field that does not exist, skipped",
        _rule("Mine", "evt.type=execve and foo.bar=1", "  skip-if-unknown-filter: true\n"),
        warnings=("LOAD_UNKNOWN_FILTER",),
    ),
    Row(
        "an engine of the future",
        "- required_engine_version: 0.99.0\n",
        ok=False,
        errors=("LOAD_ERR_VALIDATE",),
    ),
)


def recorded(row: Row) -> dict[str, Any]:
    """What Falco answered."""
    return {
        "ok": row.ok,
        "enabled": row.enabled if row.ok else 0,
        "errors": list(row.errors),
        "warnings": sorted(row.warnings),
        "dead": row.dead if row.ok else 0,
    }


def ours(stable: list[RulesFile], row: Row) -> dict[str, Any]:
    """What we say of the stable rules with the local file after them."""
    ruleset = load([*stable, RulesFile("falco_rules.local.yaml", row.content)])
    result = ruleset.results[-1]
    return {
        "ok": ruleset.successful,
        "enabled": sum(ruleset.enabled(row.selections).values()),
        "errors": [problem.code for problem in result.errors],
        "warnings": sorted(
            problem.code for problem in result.warnings if "UNUSED" not in problem.code
        ),
        "dead": len(dead(ruleset)),
    }


def dead(ruleset: Ruleset) -> set[str]:
    """The rules that no event can match."""
    answers = verdicts(ruleset) if ruleset.successful else {}
    return {name for name, answer in answers.items() if answer.verdict == "dead"}
