# SPDX-License-Identifier: Apache-2.0
"""Which images does an input run, and what do registries hold about them?

The answer is written into an evidence folder, so that the signatures can be judged where there is
no network. Whom to trust does not come from there: the roots and keys that are copied beside it
count only where they are named again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from datetime import datetime
from pathlib import Path

from kguard.inventory import Inventory
from kguard.layers.images.evidence.collect import Writer, collect, unread
from kguard.layers.images.evidence.folder import Asked
from kguard.layers.images.facts import named_uses
from kguard.layers.images.facts.enforcers import demanding
from kguard.layers.images.facts.pull_secrets import give_logins
from kguard.layers.images.progress import Counts
from kguard.layers.images.registries import Registries
from kguard.layers.images.semantics.references import Reference
from kguard.layers.images.signatures import THREADS
from kguard.layers.images.trust import public_root_bytes
from kguard.model.shards import WHOLE, Shard

_ROOT = "trusted_root.json"


def collect_all(
    inventory: Inventory,
    registries: Registries,
    folder: Path,
    at: datetime,
    progress: Callable[[str], None] | None = None,
    shard: Shard = WHOLE,
) -> list[Asked]:
    """Ask registries about every image of a shard, and write down what they say.

    Raises:
        UsageError: the folder holds something else, or cannot be written.
    """
    writer = Writer(folder)
    uses = named_uses(inventory)
    give_logins(inventory, uses, registries)
    registries.look_where(demanding(inventory))
    named = {(u.reference, u.digest) for u in uses if u.reference and u.how != "pod_config"}
    wanted = shard.part(sorted(named))
    counts = Counts((reference.registry for reference, _ in wanted), progress)
    with ThreadPoolExecutor(THREADS) as pool:
        running = {pool.submit(_one, writer, registries, *pair): pair[0] for pair in wanted}
        for done in as_completed(running):
            done.result()
            counts.one(running[done].registry)
    return writer.finish(at.strftime("%Y-%m-%dT%H:%M:%SZ"))


def _one(writer: Writer, registries: Registries, reference: Reference, digest: str) -> None:
    named = digest or registries.digest_of(reference)
    if not named:
        failed = registries.no_digest(reference)
        writer.record(unread(reference.tagged, "", failed.signature, failed.reason))
        return
    store = registries.repository(reference, fresh=True)
    collect(writer, reference, named, store, [*registries.beside(reference, fresh=True)])


def copy_trust(folder: Path, files: Sequence[str]) -> Iterable[str]:
    """Copy the roots and keys of the settings; without any, the public instance's root."""
    if not files:
        (folder / _ROOT).write_bytes(public_root_bytes())
        return [_ROOT]
    names = []
    for number, name in enumerate(files):
        target = f"trust-{number}-{Path(name).name}" if len(files) > 1 else Path(name).name
        (folder / target).write_bytes(Path(name).read_bytes())
        names.append(target)
    return names
