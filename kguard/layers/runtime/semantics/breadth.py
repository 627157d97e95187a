# SPDX-License-Identifier: Apache-2.0
"""How much does somebody leave out who leaves out what these comparisons match?

The fields are those of falcosecurity/libs userspace/libsinsp/sinsp_filtercheck_*.cpp and of the
plugins container and k8saudit; what counts as wide is kguard's own reading of the customisation
guide of falcosecurity/rules (exceptions name a program and an image, not a namespace).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Sequence
from typing import get_args

from kguard.layers.runtime.semantics.conditions import constants
from kguard.layers.runtime.semantics.expressions import Check, Field, fields_of
from kguard.layers.runtime.semantics.fields import field_table
from kguard.model.facts.runtime import Breadth

SHORT_PATTERN = 4
"""A pattern with fewer letters matches much that nobody thought of."""
SHORT_PATH = 2
"""A path prefix with fewer names covers a whole tree of the system."""
WIDE_NETWORK = 16
"""A network with a shorter prefix is no address list any more."""

_ORDER: tuple[str, ...] = get_args(Breadth)
"""From narrow to wide."""
_NAMESPACE = re.compile(r"(?:k8s\.ns\..*|k8smeta\.ns\..*|ka\.target\.namespace)")
_IMAGE = re.compile(r"(?:ka\.req\.)?container\.image(?:\.repository)?")
_USER = re.compile(r"(?:user|group)\..*|ka\.user\..*|ka\.impuser\..*")
_CIRCUMSTANCE = re.compile(
    r"evt\.(?!arg|rawarg|abspath).*|proc\.tty|fd\.(?:type|typechar|l4proto|sockfamily)"
    r"|container\.(?:id|type)|proc\.(?:vpid|sid|pid|ppid|sname)|syscall\.type|ka\.verb"
    r"|ka\.(?:stage|response\.code)"
)
_PATTERNS = frozenset(
    {"startswith", "endswith", "contains", "icontains", "glob", "iglob", "regex", "pmatch"}
)
_WILD = re.compile(r"[*?.\[\](){}+|^$\\]")


def breadth_of(comparisons: Sequence[tuple[Check, bool]]) -> Breadth:
    """How wide a conjunction of comparisons (each wanted or not) is: as its narrowest part."""
    found = [_one(check) if wanted else "all_but" for check, wanted in comparisons]
    return min(found, key=_ORDER.index, default="everything")


def widest(found: Iterable[Breadth]) -> Breadth:
    """The widest of several."""
    return max(found, key=_ORDER.index)


def _one(check: Check) -> Breadth:
    if check.op.startswith("!="):
        return "all_but"
    field = next(fields_of(check.left), None)
    if field is None or not constants(check):
        return "unknown" if check.op != "exists" else "circumstance"
    if _is_circumstance(field, check.op):
        return "circumstance"
    if _NAMESPACE.fullmatch(field.name):
        return "namespace"
    if _USER.fullmatch(field.name):
        return "user"
    return _by_values(check, field)


def _is_circumstance(field: Field, op: str) -> bool:
    kind = field_table().get(field.name)
    flag = kind is not None and kind.type == "bool"
    return flag or op in ("<", "<=", ">", ">=") or bool(_CIRCUMSTANCE.fullmatch(field.name))


def _by_values(check: Check, field: Field) -> Breadth:
    base = check.op.partition(" ")[0]
    values = constants(check)
    if any(_is_wide_network(value) for value in values):
        return "pattern"
    if base not in _PATTERNS:
        return "specific"
    if _IMAGE.fullmatch(field.name) and any(_is_registry(value) for value in values):
        return "registry"
    return "pattern" if any(_is_short(base, value) for value in values) else "specific"


def _is_registry(value: str) -> bool:
    """Whether a part of image names names a registry, or less than one."""
    return "/" not in value.strip("*").rstrip("/")


def _is_short(op: str, value: str) -> bool:
    if op in ("startswith", "pmatch") and value.startswith("/"):
        return len([name for name in value.split("/") if name]) < SHORT_PATH
    return len(_WILD.sub("", value)) < SHORT_PATTERN


def _is_wide_network(value: str) -> bool:
    if "/" not in value:
        return False
    try:
        return ipaddress.ip_network(value, strict=False).prefixlen < WIDE_NETWORK
    except ValueError:
        return False
