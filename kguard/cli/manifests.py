# SPDX-License-Identifier: Apache-2.0
"""How does `kguard manifests` show what was read?"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import click
import msgspec

from kguard.cli.inputs import collect, input_options, settings
from kguard.cli.left_out import tell_nothing
from kguard.model.manifests import Collected, JsonObject


@click.command("manifests")
@input_options
def command(**arguments: Any) -> int:
    """Print what was read, one JSON line for each object as the deployer would act on it.

    \b
    Examples:
      kguard manifests deploy/
      kubectl get all -o yaml | kguard manifests - | jq .object.kind
    """
    collected = collect(arguments, settings(arguments), report=True)
    tell_nothing(collected, arguments)
    for row in rows(collected):
        sys.stdout.buffer.write(msgspec.json.encode(row) + b"\n")
    return 3 if collected.unreadable else 0


def rows(collected: Collected) -> Iterator[JsonObject]:
    """The objects in the order of files and lines, then what could not be read."""
    found = sorted(collected.manifests, key=lambda m: (m.text.file, m.text.index, m.pointer))
    for manifest in found:
        yield {"file": manifest.text.file, "line": manifest.text.line, "object": manifest.object}
    for entry in sorted(collected.unreadable):
        yield {"file": entry.source, "line": entry.line, "error": entry.reason}
