# SPDX-License-Identifier: Apache-2.0
"""Which clauses of which frameworks do policies answer?

The table is `policies/controls.yaml`; a policy can name further clauses in its METADATA.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

import msgspec

from kguard import data
from kguard.engine import catalog
from kguard.model.controls import Clause, Framework, Reach
from kguard.model.findings import Policy


class _Entry(msgspec.Struct, forbid_unknown_fields=True):
    framework: str
    clause: str
    title: str
    verdict: Reach
    left: str = ""
    policies: tuple[str, ...] = ()


class _Table(msgspec.Struct, forbid_unknown_fields=True):
    groups: dict[str, tuple[str, ...]]
    frameworks: dict[str, str]
    clauses: dict[str, _Entry]


@cache
def _table() -> _Table:
    text = (data.policies_dir() / "controls.yaml").read_text(encoding="utf-8")
    decoded: Any = catalog.decoded(text)
    return msgspec.convert(decoded, _Table)


def names() -> dict[str, str]:
    """The frameworks: their names by the keys of the command line."""
    return dict(_table().frameworks)


def frameworks(policies: Iterable[Policy] = ()) -> tuple[Framework, ...]:
    """Every framework with its clauses, in the order of the table.

    Args:
        policies: policies besides the shipped ones whose METADATA may name clauses.
    """
    table = _table()
    named: dict[str, set[str]] = {}
    for policy in (*catalog.bundled(), *policies):
        for control in policy.controls:
            named.setdefault(control, set()).add(policy.id)
    return tuple(
        Framework(key, name, tuple(_clauses(key, table, named)))
        for key, name in table.frameworks.items()
    )


def _clauses(framework: str, table: _Table, named: dict[str, set[str]]) -> Iterable[Clause]:
    for name, entry in table.clauses.items():
        if entry.framework != framework:
            continue
        found = set(named.get(name, ()))
        for policy in entry.policies:
            found.update(table.groups.get(policy, (policy,)))
        yield Clause(
            name, entry.clause, entry.title, entry.verdict, entry.left, tuple(sorted(found))
        )
