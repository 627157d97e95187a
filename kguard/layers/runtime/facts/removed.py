# SPDX-License-Identifier: Apache-2.0
"""What is configured that the running version of Falco no longer has?"""

from __future__ import annotations

from collections.abc import Iterator

from kguard.layers.runtime.facts.falco import Falco
from kguard.layers.runtime.facts.texts import line_of
from kguard.layers.runtime.semantics.versions import REMOVED_DRIVERS
from kguard.model.facts import runtime as model
from kguard.model.facts.common import Evidence

DRIVERS = ("legacy_ebpf", "gvisor")
"""Removed drivers, as findings call them; a chart chooses the driver outside of falco.yaml."""
_FEATURES: dict[str, model.Feature] = {"ebpf": "legacy_ebpf", "gvisor": "gvisor"}


def removed(falco: Falco) -> Iterator[model.Removed]:
    """Every use of something that Falco 0.44 dropped, unless the version is older."""
    if falco.version.is_known and not falco.version.has_removed():
        return
    if falco.settings.output("grpc").enabled:
        yield _use(falco, "grpc_output", "grpc_output", "the gRPC output is switched on")
    if falco.settings.grpc_server:
        yield _use(falco, "grpc_server", "grpc:", "the gRPC server is switched on")
    driver = falco.settings.engine_kind
    if driver in REMOVED_DRIVERS:
        note = f"the driver is {REMOVED_DRIVERS[driver]}"
        yield _use(falco, _FEATURES[driver], "kind:", note)


def _use(falco: Falco, feature: model.Feature, word: str, note: str) -> model.Removed:
    text = falco.config_text
    because = text.at(line_of(text.content, word), note) if text else Evidence(falco.id, "", note)
    if falco.kind == "values" and feature in DRIVERS:
        because = Evidence(falco.id, "/driver/kind", note)
    return model.Removed(feature, "removed" if falco.version.is_known else "unknown", [because])
