# SPDX-License-Identifier: Apache-2.0
"""What do the counters of a live API server add to what its configuration tells?

The counters are the effect, the configuration is the intent: where both are there, they decide. A
page is of one server; where the input shows several, it stands for one of them and is told apart.
Pages are read from live clusters, and from files `*.prom` (`kubectl get --raw /metrics`).
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import structs

from kguard.inventory import Inventory
from kguard.layers.audit.semantics.counters import Counters, counters
from kguard.model.facts import audit as model
from kguard.model.facts.common import Evidence
from kguard.model.manifests import ObjectRef, PlainFile

FILES = "*.prom"
_KIND = "Metrics"
_PATH = "/metrics"


def counted(inventory: Inventory, servers: list[model.Server], version: str) -> list[model.Server]:
    """The servers with what the metrics of the input prove about them."""
    found = list(servers)
    for page in _pages(inventory):
        seen = counters(page.content)
        if seen.state == "unknown" and not seen.levels:
            continue
        same = [index for index, one in enumerate(found) if one.ref.cluster == page.cluster]
        if len(same) == 1:
            found[same[0]] = _proved(found[same[0]], page, seen)
        else:
            found.append(_proved(_unseen(page, version), page, seen))
    return sorted(found, key=lambda server: server.ref)


def refused(inventory: Inventory) -> list[Evidence]:
    """Why the counters of a live server could not be read."""
    return [
        Evidence(note=f"{reason}: its counters would show whether it writes events", role="related")
        for reason in inventory.unknown_kinds(_KIND)
        if _PATH in reason
    ]


def _pages(inventory: Inventory) -> Iterator[PlainFile]:
    for plain in sorted(inventory.files, key=lambda found: (found.cluster, found.file)):
        if plain.file.endswith(FILES.lstrip("*")) or (plain.cluster and plain.file == _PATH):
            yield plain


def _unseen(page: PlainFile, version: str) -> model.Server:
    """A server that nothing but its counters shows."""
    name = "kube-apiserver" if page.cluster else page.file.rpartition("/")[2]
    return model.Server(
        ref=ObjectRef("", "APIServer", "", name, page.cluster),
        how="metrics",
        version=version,
        recording="unknown",
        verdict="unknown",
        backend="unknown",
        policy="unknown",
        policy_file="",
        policy_name="",
        policy_reach="unknown",
        log_reach="unknown",
        retention=[],
        losses=[],
        because=[],
        because_reach=[],
    )


def _proved(server: model.Server, page: PlainFile, seen: Counters) -> model.Server:
    evidence = Evidence(ref=page.id, note=_words(seen), line=0 if page.cluster else 1)
    verdicts: dict[str, tuple[model.Recording, model.Verdict]] = {
        "recording": ("on", "proven-on"),
        "silent": ("off", "proven-off"),
        "off": ("off", "proven-off"),
    }
    recording, verdict = verdicts.get(seen.state, (server.recording, server.verdict))
    believed = recording == "on" and server.policy in ("absent", "invalid")
    return structs.replace(
        server,
        recording=recording,
        verdict=verdict,
        policy="unknown" if believed else server.policy,
        policy_name="" if believed else server.policy_name,
        counted=seen.state,
        losses=[*server.losses, *_losses(evidence, seen)],
        because=[evidence, *server.because],
    )


def _words(seen: Counters) -> str:
    """What the counters show, without the counts: two scans of an unchanged server say the same."""
    if seen.state == "off":
        return "the server has judged no request at all: it runs without a policy or a backend"
    levels = ", ".join(seen.levels)
    if seen.state == "silent":
        return f"the server has written no event since it started: all requests had level {levels}"
    if seen.state == "recording":
        return f"the server has written events since it started: requests had the levels {levels}"
    return "the server has judged too few requests to tell whether it writes events"


def _losses(evidence: Evidence, seen: Counters) -> Iterator[model.Loss]:
    if seen.errors:
        each = ", ".join(f"{count} by the plugin {name}" for name, count in seen.errors.items())
        text = f"since the server started, events were not written: {each}"
        yield model.Loss("not-written", text, [structs.replace(evidence, note=text)])
    if seen.rejected:
        text = f"{seen.rejected} requests were refused because their event could not be written"
        yield model.Loss("requests-refused", text, [structs.replace(evidence, note=text)])
