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
      kguard runtime generate cluster/ --evidence signatures/ > kguard_local.yaml
      kubectl logs -n falco ds/falco | kguard runtime events - -i cluster/
    """


command.add_command(events)


@command.command("rules")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False))
@click.option(
    "--config", metavar="FILE", help="The falco.yaml: plugins, selection, minimum priority."
)
@click.option(
    "--falco", "version", metavar="VERSION", default="", help="The release of Falco: 0.43."
)
@click.option("-o", "--output", "form", type=click.Choice(["txt", "json"]), default="txt")
def rules(files: tuple[str, ...], config: str | None, version: str, form: str) -> int:
    """Load rules files in order, as `falco -V` does, and say what they can still see.

    Exit code 1 where Falco refuses the files, 3 where they go beyond what kguard follows. Without
    --config, the plugins container, k8smeta, k8saudit and json count as loaded.
    """
    from kguard.layers.runtime.rule_listing import list_rules
    from kguard.layers.runtime.semantics.versions import parse_version

    texts = [(name, _text(name)) for name in files]
    if version and not parse_version(version).is_known:
        raise UsageError(f"{version!r} is no version of Falco", hint="write 0.44 or 0.44.1")
    found = list_rules(texts, _text(config) if config else "", version)
    if form == "json":
        write_json(found)
    else:
        click.echo(clean_rows(_lines(found)))
    if found["not_judged"]:
        return 3
    return 0 if _successful(found) else 1


def _text(name: str) -> str:
    try:
        return Path(name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read the file: {error}", where=name) from None


def _successful(found: dict[str, Any]) -> bool:
    loaded = all(result["successful"] for result in found["result"]["falco_load_results"])
    return loaded and not found["unmet"]


def _lines(found: dict[str, Any]) -> list[str]:
    lines = []
    refused = "not judged" if found["not_judged"] else "refused"
    for result in found["result"]["falco_load_results"]:
        lines.append(f"{result['name']}: {'ok' if result['successful'] else refused}")
        problems = (*result["errors"], *result["warnings"])
        lines += [f"  {problem['code']}: {problem['message']}" for problem in problems]
    lines += [f"not judged: {reason}" for reason in found["not_judged"]]
    lines += [f"refused: {complaint}" for complaint in found["unmet"]]
    for rule in found["rules"]:
        lines += _rule_lines(rule)
    for one in found["detections"]:
        by = f"{one['rule']} ({one['priority']})" if one["state"] == "fires" else one["rule"]
        lines.append(f"{one['state']:8} {one['id']:12} {one['title']}  {by}".rstrip())
        lines += [f"         {one['because']}"] * bool(one["because"])
    return lines


def _rule_lines(rule: dict[str, Any]) -> list[str]:
    state = "dead" if rule["dead"] else "on" if rule["enabled"] else "off"
    because = f"  ({rule['because']})" if rule["because"] else ""
    lines = [f"{state:5} {rule['name']}{because}"]
    lines += [f"      weaker: {one}" for one in rule["weakened"]]
    if rule["shadowed_by"]:
        lines.append(f"      never heard: {rule['shadowed_by']} matches first")
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


@command.command("generate")
@input_options
@click.option("--evidence", "evidence_dirs", multiple=True, metavar="DIR")
def generate(**arguments: Any) -> int:
    """Print Falco rules that know this cluster: meant connections, signed images.

    The output goes after rules/kguard_intent_rules.yaml of kguard. A rule whose list stays empty
    stays off.
    """
    from kguard.layers.runtime.generated import local_rules
    from kguard.scan import compute, inventory_of

    chosen = settings(arguments)
    wanted = options(arguments, chosen)
    facts = compute(inventory_of(collect(arguments, chosen), wanted), wanted)
    click.echo(local_rules(facts["network"].flows, facts["images"].uses), nl=False)
    return 0
