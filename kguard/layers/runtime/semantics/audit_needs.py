# SPDX-License-Identifier: Apache-2.0
"""What must be in the audit log for a rule about audit events to fire?

Authority: the fields of falcosecurity/plugins plugins/k8saudit: `ka.req.*` are read from the
request's body, `ka.resp.*` from the response's (pkg/k8saudit/extract.go), everything else from
what every event holds. A field that is not there makes its comparisons false. Verbs, resources and
stages are those with which the condition can still be true; each is looked at on its own, so that
their combinations are never too few.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from kguard.layers.runtime.semantics.expressions import (
    And,
    Check,
    Expression,
    Field,
    ListValue,
    Macro,
    Not,
    Or,
    Value,
    checks,
    fields_of,
)
from kguard.layers.runtime.semantics.satisfiability import satisfiable

SOURCE = "k8s_audit"
ANY = "*"
"""Stands for every value that the condition does not name."""

NO_RESOURCE = ""
"""Stands for requests that are about no resource."""

VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")
STAGES = ("RequestReceived", "ResponseStarted", "ResponseComplete")
_VERB = (("ka.verb", None), ("jevt.value", "/verb"))
_STAGE = (("ka.stage", None), ("jevt.value", "/stage"))
_RESOURCE = (("ka.target.resource", None), ("jevt.value", "/objectRef/resource"))
_SUBRESOURCE = (("ka.target.subresource", None), ("jevt.value", "/objectRef/subresource"))
_BODIES = ("/requestObject", "/responseObject")
_EXACT = ("=", "==", "!=", "in", "exists")
_ELSE = "\x00else"

Level = Literal["Metadata", "Request", "RequestResponse"]
Names = tuple[tuple[str, str | None], ...]


class Need(msgspec.Struct, frozen=True):
    """The kinds of events that can fire a rule, and how much of them must be recorded."""

    level: Level
    stages: tuple[str, ...]
    verbs: tuple[str, ...]
    resources: tuple[str, ...]
    subresources: tuple[str, ...]


def need_of(condition: Expression) -> Need:
    """What a condition asks of the audit log; `*` where it names no certain values."""
    return Need(
        level=_level(condition),
        stages=_known(_possible(condition, _STAGE, STAGES), STAGES),
        verbs=_known(_possible(condition, _VERB, VERBS), VERBS),
        resources=_resources(condition),
        subresources=_possible(condition, _SUBRESOURCE, ("",)),
    )


def _level(condition: Expression) -> Level:
    if _can_hold(_without(condition, ("ka.req.", "ka.resp."), _BODIES)):
        return "Metadata"
    if _can_hold(_without(condition, ("ka.resp.",), ("/responseObject",))):
        return "Request"
    return "RequestResponse"


def _resources(condition: Expression) -> tuple[str, ...]:
    found = _possible(condition, _RESOURCE, ())
    none = _can_hold(_with(condition, _RESOURCE, NO_RESOURCE))
    return (*found, NO_RESOURCE) if none else found


def _possible(condition: Expression, names: Names, listed: Sequence[str]) -> tuple[str, ...]:
    """The values with which the condition can hold, `*` for those that nobody names."""
    if any(check.op not in _EXACT for check in _about(condition, names)):
        return (ANY,)
    values = dict.fromkeys((*listed, *_constants(condition, names)))
    found = [value for value in values if _can_hold(_with(condition, names, value))]
    if _can_hold(_with(condition, names, _ELSE)):
        found.append(ANY)
    return tuple(found)


def _known(found: tuple[str, ...], listed: Sequence[str]) -> tuple[str, ...]:
    """The values with `*` for those that are not listed."""
    known = tuple(value for value in found if value in listed)
    return known if len(known) == len(found) else (*known, ANY)


def _with(condition: Expression, names: Names, value: str) -> Expression:
    if not value:
        return And((condition, *(Not(Check(Field(*name), "exists", None)) for name in names)))
    return And((condition, *(Check(Field(*name), "=", Value(value)) for name in names)))


def _can_hold(condition: Expression) -> bool:
    return satisfiable(condition).verdict != "dead"


def _about(condition: Expression, names: Names) -> list[Check]:
    fields = {Field(*name) for name in names}
    return [check for check in checks(condition) if fields & {*fields_of(check.left)}]


def _constants(condition: Expression, names: Names) -> tuple[str, ...]:
    found: set[str] = set()
    for check in _about(condition, names):
        match check.right:
            case Value(text):
                found.add(text)
            case ListValue(items):
                found |= {*items}
    return tuple(sorted(found - {""}))


def _without(
    condition: Expression, prefixes: tuple[str, ...], pointers: tuple[str, ...]
) -> Expression:
    """The condition where these fields are missing."""
    match condition:
        case And(children):
            return And(tuple(_without(child, prefixes, pointers) for child in children))
        case Or(children):
            return Or(tuple(_without(child, prefixes, pointers) for child in children))
        case Not(child):
            return Not(_without(child, prefixes, pointers))
        case Macro():
            return condition
        case check:
            return Or(()) if _reads(check, prefixes, pointers) else check


def _reads(check: Check, prefixes: tuple[str, ...], pointers: tuple[str, ...]) -> bool:
    return any(
        field.name.startswith(prefixes)
        or (field.name == "jevt.value" and (field.arg or "").startswith(pointers))
        for field in fields_of(check.left)
    )
