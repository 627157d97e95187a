# SPDX-License-Identifier: Apache-2.0
"""How do alerts get out, and what is no longer there switched off?"""

from __future__ import annotations

from collections.abc import Iterator

from kguard.layers.runtime.facts.delivery import receiver
from kguard.layers.runtime.facts.falco import Falco
from kguard.layers.runtime.facts.removed import DRIVERS
from kguard.layers.runtime.remedy.places import OWN_PRIORITY, Setup, setups
from kguard.layers.runtime.remedy.repair import drops_unwritten
from kguard.layers.runtime.remedy.rules import change_config
from kguard.layers.runtime.traces import ARTIFACT_GROUP
from kguard.model.findings import Finding
from kguard.model.remedies import Cannot, Create, Edit, Operation, Proposal, RemedyRequest

_SEND = "send alerts to the Falcosidekick that is there"
_TELL = (
    "install Falcosidekick with an output of yours and name it: `falcosidekick.enabled=true` in "
    "the values of Falco's chart, or http_output in falco.yaml"
)


def send_alerts(request: RemedyRequest) -> Iterator[Proposal]:
    """Send alerts to the Falcosidekick of the input."""
    for setup, findings in _wanted(request):
        closes = tuple(finding.fingerprint for finding in findings)
        falco = setup.falco
        if falco is None or not receiver(request.inventory, falco):
            yield Cannot(closes, "the input shows nobody who could receive alerts", _TELL)
        elif falco.kind == "operator":
            yield _config(falco, receiver(request.inventory, falco), closes)
        elif falco.config_text is None:
            yield Cannot(closes, "the configuration of this Falco is not in the input", _TELL)
        else:
            yield from change_config(request.inventory, setup, falco.config_text, findings, _SEND)


def _config(falco: Falco, url: str, closes: tuple[str, ...]) -> Create:
    """The object of the operator that adds to its configuration, after those of users."""
    made = {
        "apiVersion": f"{ARTIFACT_GROUP}/v1alpha1",
        "kind": "Config",
        "metadata": {"name": "kguard-outputs", "namespace": falco.ref.namespace},
        "spec": {
            "config": {"json_output": True, "http_output": {"enabled": True, "url": url}},
            "priority": OWN_PRIORITY,
        },
    }
    return Create(made, closes, _SEND)


def drop_removed(request: RemedyRequest) -> Iterator[Proposal]:
    """Switch off what the running version no longer has."""
    for setup, findings in _wanted(request):
        config = setup.falco.config_text if setup.falco else None
        drivers = [finding for finding in findings if finding.path in DRIVERS]
        if setup.falco and setup.falco.kind == "values" and drivers:
            closes = tuple(finding.fingerprint for finding in drivers)
            operation = Operation("replace", "/driver/kind", "modern_ebpf")
            yield Edit(setup.falco.id, (operation,), closes, "Falco no longer has this driver")
            findings = [finding for finding in findings if finding not in drivers]  # noqa: PLW2901
        if config is not None and findings:
            why = "Falco no longer has it"
            yield from change_config(request.inventory, setup, config, findings, why)
        elif not findings:
            continue
        else:
            closes = tuple(finding.fingerprint for finding in findings)
            yield Cannot(closes, "the configuration is not in the input", "switch it off there")


def notice_drops(request: RemedyRequest) -> Iterator[Proposal]:
    """Raise an alert when events are dropped, where nothing else is written about it."""
    for setup, findings in _wanted(request):
        config = setup.falco.config_text if setup.falco else None
        if config is not None and drops_unwritten(request.inventory, setup):
            why = "raise an alert when events are dropped"
            yield from change_config(request.inventory, setup, config, findings, why)
        else:
            closes = tuple(finding.fingerprint for finding in findings)
            reason = "what happens to dropped events is written otherwise, or not in the input"
            yield Cannot(closes, reason, "`syscall_event_drops.actions: [log, alert]`, and a taker")


def _wanted(request: RemedyRequest) -> Iterator[tuple[Setup, list[Finding]]]:
    for setup in setups(request):
        findings = [f for f in request.findings if f.target == setup.owner]
        if findings:
            yield setup, findings
