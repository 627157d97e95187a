# SPDX-License-Identifier: Apache-2.0
"""How does `kguard images` print what runs, signed by whom, and verify a signature?"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import msgspec

from kguard.cli import values
from kguard.cli.inputs import (
    CACHE_OPTIONS,
    cache_options,
    collect,
    input_options,
    layer_facts,
    options,
    registry_options,
    settings,
)
from kguard.cli.output import clean, note, write, write_json, write_rows
from kguard.errors import UsageError
from kguard.model.facts.images import Facts, ImageUse

_COLUMNS = ("image", "how", "class", "signer", "enforcement", "workloads")


class Row(msgspec.Struct, frozen=True, rename={"signature": "class"}):
    """One image, with everything that runs it in the same way."""

    image: str
    digest: str
    how: str
    """How the digest is known: see `How` in `kguard schema images`."""
    signature: str
    signer: str
    issuer: str
    format: str
    location: str
    workloads: tuple[str, ...]
    enforcement: str


@click.group("images")
def command() -> None:
    """Show which images run, signed by whom, and what admission does about them.

    \b
    Examples:
      kguard images list deploy/ --evidence evidence/
      kguard images verify registry.example.com/cart:1.4.2 --evidence evidence/ --key cosign.pub
    """


@command.command("list")
@input_options
@registry_options
@click.option("-o", "--output", type=click.Choice(["txt", "json"]), default="txt")
def list_(output: str, **arguments: Any) -> int:
    """List every image with its signature's class, its signer and its enforcement.

    \b
    Examples:
      kguard images list deploy/ --evidence evidence/
      kguard images list --context prod -o json
    """
    facts = _facts(arguments)
    found = rows(facts)
    write_rows(found, table(found), output)
    if found and facts.evidence.state == "none":
        note(_NOT_ASKED, quiet=bool(arguments.get("quiet")))
    return 0


_NOT_ASKED = (
    "no signature was looked for: add --registry, or --evidence DIR with what "
    "`kguard images collect` wrote"
)


def _facts(arguments: dict[str, Any]) -> Facts:
    found: Facts = layer_facts("images", arguments)
    return found


def rows(facts: Facts) -> list[Row]:
    """One row for each image and way in which it is run."""
    groups: dict[tuple[str, ...], list[ImageUse]] = {}
    for use in facts.uses:
        groups.setdefault((use.image, use.digest, use.how, use.enforcement), []).append(use)
    return [_row(groups[key]) for key in sorted(groups)]


def _row(uses: Sequence[ImageUse]) -> Row:
    use = uses[0]
    return Row(
        image=use.image,
        digest=use.digest,
        how=use.how,
        signature=use.signature,
        signer=use.signer,
        issuer=use.issuer,
        format=use.format,
        location=use.location,
        workloads=tuple(sorted({str(u.ref) for u in uses})),
        enforcement=use.enforcement,
    )


def table(found: Sequence[Row]) -> Iterator[str]:
    """The rows as lines of text."""
    lines = [tuple(column.upper() for column in _COLUMNS), *map(_line, found)]
    widths = [max(len(line[n]) for line in lines) for n in range(len(_COLUMNS))]
    for line in lines:
        cells = zip(line, widths, strict=True)
        yield "  ".join(cell.ljust(width) for cell, width in cells).rstrip()


def _line(row: Row) -> tuple[str, ...]:
    image = row.image.partition("@")[0]
    pinned = f"{image}@{row.digest[:19]}" if row.digest else image
    signer = row.signer[:60] or "-"
    cells = (pinned, row.how, row.signature, signer, row.enforcement, ", ".join(row.workloads))
    return tuple(clean(cell) for cell in cells)


@command.command("collect")
@input_options
@cache_options
@click.option("--out", required=True, metavar="DIR", help="The folder that is written.")
@click.option(
    "--shard",
    metavar="I/N",
    help="Ask about this part of the images, from 0/N (also KGUARD_SHARDS, in an Indexed Job).",
)
def collect_(out: str, shard: str | None, **arguments: Any) -> int:
    """Write down what registries hold about every image, to be judged without a network.

    The folder is an OCI image layout with all signatures, a record of where was looked, and the
    trusted roots and keys of the settings, which count where they are named again. Exit code 3: an
    image could not be read.

    \b
    Examples:
      kguard images collect --context prod --out evidence
      kguard scan --snapshot prod.json --evidence evidence \\
        --trusted-root evidence/trusted_root.json
    """
    from kguard.layers.images.collecting import collect_all, copy_trust
    from kguard.layers.images.registries import Registries, settings_of
    from kguard.scan import inventory_of

    config = settings(arguments)
    if arguments.get("offline"):
        raise UsageError("--offline excludes asking registries")
    chosen = options(arguments, config)
    inventory = inventory_of(collect({**arguments, "registry": True}, config), chosen)
    registries = Registries(settings_of(config.registry_block(chosen.cache)))
    part = values.shard(shard)
    asked = collect_all(inventory, registries, Path(out), chosen.at, chosen.progress, part)
    trust = copy_trust(
        Path(out), [config.path(n) for n in (*config.trust.roots, *config.trust.keys)]
    )
    unread = [entry for entry in asked if entry.error]
    for entry in unread:
        write(clean(f"{entry.reference}: {entry.error}: {entry.detail}") + "\n", "")
    write(
        clean(f"{len(asked) - len(unread)} of {len(asked)} images in {out}, and {', '.join(trust)}")
        + "\n",
        "",
    )
    return 3 if unread else 0


_VERIFY = (
    click.option("--evidence", "evidence", metavar="DIR", help="An OCI layout or evidence folder."),
    click.option("--trusted-root", metavar="FILE", help="trusted_root.json."),
    click.option("--key", metavar="FILE", help="A public key (PEM)."),
    click.option("--certificate-identity", default="", metavar="TEXT"),
    click.option("--certificate-identity-regexp", default="", metavar="REGEXP"),
    click.option("--certificate-oidc-issuer", default="", metavar="URL"),
    click.option("--certificate-oidc-issuer-regexp", default="", metavar="REGEXP"),
    click.option("--certificate-github-workflow-trigger", default="", metavar="TEXT"),
    click.option("--certificate-github-workflow-sha", default="", metavar="TEXT"),
    click.option("--certificate-github-workflow-name", default="", metavar="TEXT"),
    click.option("--certificate-github-workflow-repository", default="", metavar="TEXT"),
    click.option("--certificate-github-workflow-ref", default="", metavar="TEXT"),
    click.option("--insecure-ignore-tlog", is_flag=True, help="Do not ask for a log entry."),
    click.option("--insecure-ignore-sct", is_flag=True, help="Do not ask for an SCT."),
    click.option("--use-signed-timestamps", is_flag=True, help="Ask for an RFC 3161 timestamp."),
    click.option("--allow-http-registry", is_flag=True, help="Ask the registry without TLS."),
    click.option("--experimental-oci11", is_flag=True, help="Count the older kind of referrers."),
    click.option(
        "--new-bundle-format",
        type=bool,
        is_flag=False,
        flag_value="true",
        default=True,
        metavar="BOOL",
        help="Count bundles (the default).",
    ),
    click.option("--offline", is_flag=True, expose_value=False, help="Always the case."),
    click.option("--config", metavar="FILE", help="Settings, instead of the nearest kguard.yaml."),
    *CACHE_OPTIONS,
    click.option("-a", "--annotations", multiple=True, metavar="KEY=VALUE"),
    click.option("--type", "predicate", default="", metavar="TYPE", help="Verify an attestation."),
    click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text"),
)


_ABOUT_REGISTRIES = ("config", "cache", "no_cache")


def _verify_options(function: Any) -> Any:
    for option in reversed(_VERIFY):
        function = option(function)
    return function


@command.command()
@click.argument("reference")
@_verify_options
def verify(reference: str, output: str, **arguments: Any) -> int:
    """Verify one image as `cosign verify` would: from a folder, else from its registry.

    The options have cosign's names; keys, roots and logs are never asked for online. Exit code 0:
    cosign would accept the image; 1: it would not; 3: what was given does not tell.

    \b
    Examples:
      kguard images verify app:1.0.0 --evidence evidence/ --key cosign.pub --insecure-ignore-tlog
      kguard images verify registry.example.com/app:1.0.0 --key cosign.pub
    """
    from kguard.layers.images.command import Question, answer

    found = answer(Question(reference, **_question(arguments), registries=_registries(arguments)))
    if output == "json":
        write_json(found)
    else:
        write("".join(f"{clean(line)}\n" for line in found.lines), "")
    return found.exit_code


def _registries(arguments: Mapping[str, Any]) -> Any:
    """How registries are asked, as the settings, the options and cosign's environment say."""
    from kguard.layers.images.registries import settings_of

    config = settings({"inputs": (), **arguments})
    block = config.registry_block(values.cache_folder(arguments))
    if repository := os.environ.get("COSIGN_REPOSITORY"):
        block["signatures"].append({"prefix": "*", "repository": repository})
    return settings_of(block, plain_http=arguments["allow_http_registry"])


def _question(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The options under the names of the question."""
    workflow = {
        name.removeprefix("certificate_github_workflow_"): value
        for name, value in arguments.items()
        if name.startswith("certificate_github_workflow_") and value
    }
    found = {
        name: value
        for name, value in arguments.items()
        if not name.startswith("certificate_github_workflow_") and name not in _ABOUT_REGISTRIES
    }
    return {**found, "workflow": workflow, "annotations": tuple(arguments["annotations"])}
