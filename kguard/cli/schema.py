# SPDX-License-Identifier: Apache-2.0
"""How does `kguard schema` print the JSON Schema of a document?"""

from __future__ import annotations

import click
import msgspec

from kguard.cli.output import write
from kguard.cli.schemas import NAMES, schema


@click.command("schema")
@click.argument("name", type=click.Choice(NAMES))
def command(name: str) -> int:
    """Print the JSON Schema of a document that kguard reads or prints.

    \b
    Examples:
      kguard schema report
      kguard schema config > kguard.schema.json
    """
    write(msgspec.json.format(msgspec.json.encode(schema(name)), indent=2).decode() + "\n", "")
    return 0
