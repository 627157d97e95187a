# SPDX-License-Identifier: Apache-2.0
"""What do thousands of Falco rules look like that two overridden macros kill, every one?

``python -m support.bench.rules RULES FOLDER`` writes base.yaml and over.yaml. The same number gives
the same bytes.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

TEAMS = 50
KILLERS = ("started", "contained")
UPSTREAM = ("falco_rules.yaml", "falco-incubating_rules.yaml", "falco-sandbox_rules.yaml")
PRIORITIES = ("CRITICAL", "WARNING", "NOTICE", "INFO")

_DEFINITIONS = """\
- macro: never_true
  condition: (evt.num = 0)
- macro: started
  condition: (evt.type in (execve, execveat))
- macro: contained
  condition: (container.id != host)
- list: shells
  items: [bash, sh, zsh, ksh, ash]
"""
_RULE = """\
- rule: Tool {number} started
  desc: A container of one team starts a program that it does not ship.
  condition: >
    started and contained and k8s.ns.name = team-{team}
    and (proc.name = tool-{number} or proc.exepath startswith /opt/tool-{number}/)
    and not proc.pname in (shells, runner-{number})
  output: Tool started (command=%proc.cmdline image=%container.image.repository)
  priority: {priority}
  tags: [container, process, team-{team}]
"""
_KILLING = """\
- macro: started
  condition: never_true
  override: {condition: replace}
- macro: contained
  condition: never_true
  override: {condition: replace}
"""
SABOTAGE = """\
- macro: container
  condition: (never_true)
  override: {condition: replace}
- list: shell_binaries
  items: []
- rule: Read sensitive file untrusted
  exceptions:
    - {name: trusted, fields: k8s.ns.name, values: [shop, payments]}
  override: {exceptions: append}
"""
"""Overrides of the upstream rules: some die, some see less."""


def write(folder: Path, count: int) -> list[Path]:
    """Write the rules, and the file that kills them; in the order of loading."""
    folder.mkdir(parents=True, exist_ok=True)
    base, over = folder / "base.yaml", folder / "over.yaml"
    base.write_text(_DEFINITIONS + "".join(map(_rule, range(count))))
    over.write_text(_KILLING)
    return [base, over]


def _rule(number: int) -> str:
    priority = PRIORITIES[number % len(PRIORITIES)]
    return _RULE.format(number=number, team=number % TEAMS, priority=priority)


def main(arguments: Sequence[str]) -> int:
    """Write the two files."""
    count, folder = arguments
    for path in write(Path(folder), int(count)):
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
