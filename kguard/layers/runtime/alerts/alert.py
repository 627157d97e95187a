# SPDX-License-Identifier: Apache-2.0
"""What does one alert of Falco say?

The JSON form is that of falcosecurity/falco userspace/engine/formats.cpp and
userspace/falco/falco_outputs.cpp (0.44): `output`, `tags` and `output_fields` can be switched off,
messages of Falco itself have the source `internal` and no tags. What Falcosidekick adds (`uuid`,
custom fields) is left alone.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from kguard.model.manifests import mapping

MAX_EVENT_BYTES = 1 << 20
"""An alert that is longer is refused unread."""

PRIORITIES = (
    "Emergency",
    "Alert",
    "Critical",
    "Error",
    "Warning",
    "Notice",
    "Informational",
    "Debug",
)
"""As Falco prints them, the gravest first; `info` is another spelling of Informational."""

DROPS = "Falco internal: syscall event drop"
"""The rule by which Falco says that it missed events."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_BY_NAME = {name.casefold(): name for name in PRIORITIES} | {"info": "Informational"}
_TIME = re.compile(
    r"(\d{4}-\d\d-\d\dT\d\d:\d\d):(\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:?\d\d)", re.ASCII
)
_TIMES = "evt.time"
_NOTHING = ("", "<NA>", None)


class NotAnAlertError(Exception):
    """The bytes are no alert; the message says why, in a few words."""


class Alert(msgspec.Struct, frozen=True):
    """One alert, whichever way it came."""

    time: int
    """Nanoseconds since 1970."""
    rule: str
    priority: str
    source: str = "syscall"
    hostname: str = ""
    output: str = ""
    tags: tuple[str, ...] = ()
    fields: dict[str, Any] = {}

    @property
    def identity(self) -> tuple[int, str, str, int]:
        """Equal for two deliveries of one alert, whichever ways they took.

        Two processors may see two events in one nanosecond: the fields tell them apart, as text,
        because gRPC knows no other. The text of the alert itself depends on the way.
        """
        told = (
            (name, str(value))
            for name, value in self.fields.items()
            if value not in _NOTHING and not name.startswith(_TIMES)
        )
        return self.time, self.hostname, self.rule, hash(frozenset(told))

    def field(self, *names: str) -> str:
        """The first of these output fields that has a value, as text."""
        found = (self.fields.get(name) for name in names)
        return next((str(value) for value in found if value not in _NOTHING), "")


def parse(data: bytes) -> Alert:
    """Read an alert as Falco writes it with `json_output: true`.

    Raises:
        NotAnAlertError: it is no JSON object, or lacks a rule, a priority or a time.
    """
    if len(data) > MAX_EVENT_BYTES:
        raise NotAnAlertError(f"longer than {MAX_EVENT_BYTES} bytes")
    try:
        document = msgspec.json.decode(data.decode(errors="replace"))
    except (msgspec.DecodeError, RecursionError) as error:
        raise NotAnAlertError(f"no JSON: {error}") from None
    if not isinstance(document, dict):
        raise NotAnAlertError("no JSON object")
    return alert_of(document)


def alert_of(document: dict[str, Any]) -> Alert:
    """Read a decoded alert.

    Raises:
        NotAnAlertError: it lacks a rule, a priority or a time.
    """
    fields = mapping(document.get("output_fields"))
    rule = document.get("rule")
    if not isinstance(rule, str) or not rule:
        raise NotAnAlertError("it names no rule")
    tags = document.get("tags")
    return Alert(
        time=_time(document.get("time"), fields),
        rule=rule,
        priority=priority_of(document.get("priority")),
        source=_text(document.get("source")) or "syscall",
        hostname=_text(document.get("hostname")),
        output=_text(document.get("output")) or _text(document.get("message")),
        tags=tuple(map(str, tags)) if isinstance(tags, list) else (),
        fields=fields,
    )


def priority_of(name: object) -> str:
    """A priority in Falco's spelling.

    Raises:
        NotAnAlertError: there is no such priority.
    """
    found = _BY_NAME.get(name.casefold()) if isinstance(name, str) else None
    if found is None:
        raise NotAnAlertError(f"{name!r} is no priority")
    return found


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _time(written: object, fields: dict[str, Any]) -> int:
    for value in (written, fields.get("evt.time.iso8601")):
        if isinstance(value, str) and (found := nanoseconds(value)) is not None:
            return found
    number = fields.get("evt.time")
    text = str(number) if isinstance(number, int | str) else ""
    if not re.fullmatch(r"\d{1,19}", text, re.ASCII):
        raise NotAnAlertError("it has no time")
    return int(text)


def nanoseconds(text: str) -> int | None:
    """Nanoseconds since 1970 of an RFC 3339 time with up to nine decimals; None for other text."""
    found = _TIME.fullmatch(text)
    if not found:
        return None
    date, second, decimals, zone = found.groups()
    try:
        moment = datetime.fromisoformat(f"{date}:00+00:00")
    except ValueError:
        return None
    seconds = (moment - EPOCH) // timedelta(seconds=1) + int(second) - _offset(zone)
    return seconds * 1_000_000_000 + int((decimals or "").ljust(9, "0"))


def _offset(zone: str) -> int:
    if zone == "Z":
        return 0
    digits = zone[1:].replace(":", "")
    seconds = int(digits[:2]) * 3600 + int(digits[2:]) * 60
    return -seconds if zone[0] == "-" else seconds
