# SPDX-License-Identifier: Apache-2.0
"""Which audit options does an API server really run with?

Authority: k8s.io/apiserver pkg/server/options/audit.go (flags, defaults; since 1.36 the log is
kept for 366 days in 100 files of 100 MB unless told otherwise; before, 0 stood for "for ever" and
a size of 0 for lumberjack's 100 MB), spf13/pflag (the last of several values wins) and
k8s.io/component-base cli/flag (`_` in a name is `-`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

import msgspec

from kguard.layers.audit.semantics.version import Version

Backend = Literal["log", "webhook", "both", "none", "unknown"]

RETENTION_SINCE = Version(1, 36)
RetentionFlag = Literal["audit-log-maxage", "audit-log-maxbackup", "audit-log-maxsize"]
RETENTION_FLAGS: tuple[RetentionFlag, ...] = (
    "audit-log-maxage",
    "audit-log-maxbackup",
    "audit-log-maxsize",
)
_NEW_DEFAULTS = {"audit-log-maxage": 366, "audit-log-maxbackup": 100, "audit-log-maxsize": 100}
_OLD_DEFAULTS = {"audit-log-maxage": 0, "audit-log-maxbackup": 0, "audit-log-maxsize": 100}

BOOLEAN_FLAGS = frozenset(
    {
        "audit-log-compress",
        "audit-log-truncate-enabled",
        "audit-webhook-truncate-enabled",
        "audit-log-batch-throttle-enable",
        "audit-webhook-batch-throttle-enable",
    }
)


class Flag(msgspec.Struct, frozen=True):
    """One flag as given; `value` is None where it is only known when the server starts."""

    name: str
    value: str | None
    pointer: str = ""
    line: int = 0


class Retention(msgspec.Struct, frozen=True):
    """How long the log is kept in one respect: an effective number, None where it is unknown."""

    flag: RetentionFlag
    value: int | None
    given: bool


def parse_arguments(arguments: Iterable[tuple[str | None, str]]) -> list[Flag]:
    """The flags of a command line.

    Args:
        arguments: each word (None where it is only known at run time) with its JSON pointer.
    """
    found: list[Flag] = []
    waiting: Flag | None = None
    for word, place in arguments:
        if waiting is not None and (word is None or not word.startswith("-")):
            found.append(msgspec.structs.replace(waiting, value=word))
            waiting = None
            continue
        if waiting is not None:
            found.append(waiting)
            waiting = None
        if word is None or not word.startswith("-"):
            continue
        name, equals, value = word.lstrip("-").partition("=")
        flag = Flag(normalized(name), value if equals else "true", place)
        if equals or flag.name in BOOLEAN_FLAGS:
            found.append(flag)
        else:
            waiting = flag
    return [*found, waiting] if waiting else found


def normalized(name: str) -> str:
    """The name of a flag without dashes in front, words joined by `-`."""
    return name.lstrip("-").replace("_", "-")


def effective(flags: Iterable[Flag]) -> dict[str, Flag]:
    """The flags that count: the last of each name."""
    return {flag.name: flag for flag in flags}


def backend(flags: Mapping[str, Flag]) -> Backend:
    """Where events go, if any are made."""
    log, webhook = flags.get("audit-log-path"), flags.get("audit-webhook-config-file")
    if (log and log.value is None) or (webhook and webhook.value is None):
        return "unknown"
    if log and log.value:
        return "both" if webhook and webhook.value else "log"
    return "webhook" if webhook and webhook.value else "none"


def mode(flags: Mapping[str, Flag], kind: Literal["log", "webhook"]) -> str:
    """`batch`, `blocking` or `blocking-strict`; empty where it is unknown."""
    flag = flags.get(f"audit-{kind}-mode")
    if flag is None:
        return "blocking" if kind == "log" else "batch"
    return flag.value or ""


def retention(flags: Mapping[str, Flag], version: Version | None) -> list[Retention]:
    """The three limits of the log; 0 stands for no limit."""
    found = []
    for name in RETENTION_FLAGS:
        flag = flags.get(name)
        if flag is None:
            found.append(Retention(name, _default(name, version), given=False))
        else:
            number = _number(flag.value)
            if number == 0 and name == "audit-log-maxsize":
                number = _zero_size(version)
            found.append(Retention(name, number, given=True))
    return found


def _default(name: str, version: Version | None) -> int | None:
    if version is None:
        return None
    return (_NEW_DEFAULTS if version >= RETENTION_SINCE else _OLD_DEFAULTS)[name]


def _zero_size(version: Version | None) -> int | None:
    """A size of 0 was lumberjack's default; since 1.36 it means no rotation."""
    if version is None:
        return None
    return 0 if version >= RETENTION_SINCE else _OLD_DEFAULTS["audit-log-maxsize"]


def _number(text: str | None) -> int | None:
    try:
        return int(text or "")
    except ValueError:
        return None
