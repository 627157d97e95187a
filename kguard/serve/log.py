# SPDX-License-Identifier: Apache-2.0
"""What does the server say on stderr? One JSON object a line, never what an object holds."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import Literal

import msgspec

Level = Literal["info", "warning", "error"]
Value = str | int | float | bool | list[str]


def log(level: Level, event: str, **fields: Value) -> None:
    """Write one line: time, level, event and its fields."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    line = msgspec.json.encode({"time": now, "level": level, "event": event, **fields})
    sys.stderr.write(line.decode() + "\n")
    sys.stderr.flush()
