# SPDX-License-Identifier: Apache-2.0
"""How does `kguard snapshot` keep the state of a cluster for scans without one?"""

from __future__ import annotations

from datetime import UTC, datetime

import click

from kguard.cli.output import note, write_private

EXIT_INCOMPLETE = 3


@click.command("snapshot")
@click.option("--context", required=True, metavar="NAME", help="The cluster to read.")
@click.option("-o", "--output", required=True, metavar="FILE", help="The file to write.")
@click.option(
    "--read-secrets", is_flag=True, help="Keep certificates and public keys of Secrets, too."
)
@click.option(
    "--allow-incomplete", is_flag=True, help="What could not be read does not make the code 3."
)
@click.option("-q", "--quiet", is_flag=True, help="No notes on stderr.")
def command(
    context: str, output: str, *, read_secrets: bool, allow_incomplete: bool, quiet: bool
) -> int:
    """Write the state of a cluster to one file, without secrets.

    Scans take it with --snapshot FILE and say what a scan of the cluster would have said.

    \b
    Examples:
      kguard snapshot --context prod -o prod.kguard.gz
      kguard scan --snapshot prod.kguard.gz
    """
    from kguard.sources import cluster, snapshot

    found = cluster.read(context, read_secrets=read_secrets)
    data = snapshot.write(found, context, datetime.now(UTC))
    write_private(data, output)
    for entry in sorted(found.unreadable):
        note(f"{entry.source}: not read: {entry.reason}", quiet=quiet)
    objects = len(found.manifests)
    note(f"{output}: {objects} objects, {len(data) / 1e6:.1f} MB", quiet=quiet)
    return EXIT_INCOMPLETE if found.unreadable and not allow_incomplete else 0
