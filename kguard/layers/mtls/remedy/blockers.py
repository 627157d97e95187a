# SPDX-License-Identifier: Apache-2.0
"""Who or what would STRICT cut off? The list of blockers that a remedy has to respect."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from kguard.layers.mtls.remedy.policies import callers_of, in_words, workload_of
from kguard.model.facts import mtls as model
from kguard.model.remedies import RemedyRequest

MAX_NAMED = 5


class Blocker(msgspec.Struct, frozen=True):
    """A port that cannot be STRICT yet."""

    port: str
    """Empty for the whole workload: an exception would not be the way."""
    reason: str
    """Who needs it, in a few words."""
    words: str
    """The same as a counterexample."""


def blockers(request: RemedyRequest, fact: model.Workload) -> list[Blocker]:
    """Every call to the workload that would be refused, by port."""
    found = [
        Blocker(caller.port, f"{caller.ref} shows no mesh identity", in_words(caller))
        for caller in callers_of(request.facts, fact.ref)
    ]
    return [*found, *_by_address(request, fact)]


def _by_address(request: RemedyRequest, fact: model.Workload) -> Iterator[Blocker]:
    """Knative pods that activator and autoscaler are told to call by address only."""
    workload = workload_of(request.inventory, fact.ref)
    if workload is None or workload.knative != "serving" or fact.plane != "sidecar":
        return
    for setting in request.facts.knative:
        if setting.kind == "pod_addressing" and setting.value == "disabled":
            reason = f"{setting.key} is disabled: Knative calls pods by address, in plaintext"
            yield Blocker("", reason, f"{reason}; set it to auto or enabled first")


def only_some_ports(fact: model.Workload, found: list[Blocker]) -> list[str]:
    """The ports to exempt, if any port that the workload serves is left to become STRICT."""
    served = {
        port
        for group in fact.modes
        if group.listener == "seen" and group.protocol == "TCP" and group.caller == "any"
        for port in group.ports
        if port != "other"
    }
    needed = {blocker.port for blocker in found}
    return sorted(needed, key=int) if needed and needed < served else []


def listed(found: list[Blocker]) -> str:
    """The first blockers, in words."""
    named = list(dict.fromkeys(blocker.words for blocker in found))
    more = f"; {len(named) - MAX_NAMED} more" if len(named) > MAX_NAMED else ""
    return "; ".join(named[:MAX_NAMED]) + more
