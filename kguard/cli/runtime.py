# SPDX-License-Identifier: Apache-2.0
"""How does `kguard runtime` print what Falco would detect, and where?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from kguard.cli.inputs import collect, input_options, options, settings
from kguard.cli.output import clean, write_json
from kguard.cli.runtime_events import events
from kguard.errors import UsageError


@click.group("runtime")
def command() -> None:
    """Say what Falco would detect, and on which nodes.

    \b
    Examples:
      kguard runtime rules falco_rules.yaml local.yaml --config falco.yaml -o json
      kguard runtime coverage cluster/
      kubectl logs -n falco ds/falco | kguard runtime events - -i cluster/
    """


command.add_command(events)


@command.command("rules")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False))
@click.option(
    "--config", metavar="FILE", help="The falco.yaml: plugins, selection, minimum priority."
)
@click.option("-o", "--output", "form", type=click.Choice(["txt", "json"]), default="txt")
def rules(files: tuple[str, ...], config: str | None, form: str) -> int:
    """Load rules files in order, as `falco -V` does, and say what can still fire.

    Exit code 1 where Falco refuses the files. Without --config, the plugins container, k8smeta,
    k8saudit and json count as loaded.
    """
    from kguard.layers.runtime.listing import list_rules

    texts = [(name, _text(name)) for name in files]
    found = list_rules(texts, _text(config) if config else "")
    if form == "json":
        write_json(found)
    else:
        click.echo(clean_rows(_lines(found)))
    return 0 if _successful(found) else 1


def _text(name: str) -> str:
    try:
        return Path(name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read the file: {error}", where=name) from None


def _successful(found: dict[str, Any]) -> bool:
    return all(result["successful"] for result in found["result"]["falco_load_results"])


def _lines(found: dict[str, Any]) -> list[str]:
    lines = []
    for result in found["result"]["falco_load_results"]:
        lines.append(f"{result['name']}: {'ok' if result['successful'] else 'refused'}")
        problems = (*result["errors"], *result["warnings"])
        lines += [f"  {problem['code']}: {problem['message']}" for problem in problems]
    for rule in found["rules"]:
        state = "dead" if rule["dead"] else "on" if rule["enabled"] else "off"
        because = f"  ({rule['because']})" if rule["because"] else ""
        lines.append(f"{state:5} {rule['name']}{because}")
    return lines


def clean_rows(lines: list[str]) -> str:
    """Lines of a user's files, safe for a terminal."""
    return "\n".join(clean(line) for line in lines)


@command.command("coverage")
@input_options
@click.option(
    "--daemonset", metavar="GLOB", default="", help="These DaemonSets instead of Falco's."
)
@click.option("-o", "--output", "form", type=click.Choice(["txt", "json"]), default="txt")
def coverage(daemonset: str, form: str, **arguments: Any) -> int:
    """Say which nodes of the input get a pod of Falco's DaemonSets, and why others do not."""
    from kguard.layers.runtime.listing import list_coverage
    from kguard.scan import inventory_of

    chosen = settings(arguments)
    inventory = inventory_of(collect(arguments, chosen), options(arguments, chosen))
    rows = list_coverage(inventory, daemonset)
    if form == "json":
        write_json(rows)
        return 0
    for row in rows:
        word = "yes" if row["covered"] else "NO"
        line = f"{row['daemonset']:32} {row['node']:32} {word:4} {row['reason']}"
        click.echo(clean(line.rstrip()))
    return 0
