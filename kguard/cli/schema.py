# SPDX-License-Identifier: Apache-2.0
"""How does `kguard schema` print the JSON Schema of a document?"""

from __future__ import annotations

import click

from kguard.cli.output import write_json
from kguard.cli.schemas import NAMES, schema


@click.command("schema")
@click.argument("name", type=click.Choice(NAMES))
def command(name: str) -> int:
    """Print the JSON Schema of a document that kguard reads or prints.

    `manifest`, `audit-eval` and `runtime-alert` describe one line of what `manifests`, `audit eval`
    and `runtime events` print; the names of layers, their facts.

    \b
    Examples:
      kguard schema report
      kguard schema config > kguard.schema.json
    """
    write_json(schema(name))
    return 0
