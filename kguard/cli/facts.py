# SPDX-License-Identifier: Apache-2.0
"""How does `kguard facts` print what the policies judge?"""

from __future__ import annotations

from typing import Any

import click

from kguard import layers
from kguard.cli.inputs import collect, input_options, options, settings
from kguard.cli.output import write_json


@click.command("facts")
@input_options
@click.option("--layer", "layer_names", multiple=True, type=click.Choice(layers.NAMES))
@click.option("--evidence", "evidence_dirs", multiple=True, metavar="DIR")
def command(**arguments: Any) -> int:
    """Print the facts documents as JSON: what is effectively so, per layer.

    \b
    Examples:
      kguard facts deploy/
      kguard facts deploy/ --layer network
    """
    from kguard.scan import compute, inventory_of

    config = settings(arguments)
    chosen = options(arguments, config)
    inventory = inventory_of(collect(arguments, config), chosen)
    write_json(compute(inventory, chosen))
    return 0
