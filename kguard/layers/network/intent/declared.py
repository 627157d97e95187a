# SPDX-License-Identifier: Apache-2.0
"""Which connections does the user declare in `kguard-flows.yaml`?"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from kguard.layers.network.intent.model import Flow, Party, anyone
from kguard.layers.network.intent.names import Names, blocks
from kguard.layers.network.semantics.ports import port_number
from kguard.model.facts.common import Evidence
from kguard.model.flows import Declared, End, FlowsFile, is_declaration
from kguard.model.locations import pointer
from kguard.model.manifests import PlainDocument

_PROTOCOLS = ("SCTP", "TCP", "UDP")


def declared_flows(names: Names) -> Iterator[Flow]:
    """Every declared connection; a file that does not follow the schema declares none."""
    given = names.inventory.collected.flows
    for document in names.inventory.documents:
        if is_declaration(document.text.file, given):
            yield from _flows(names, document)


def _flows(names: Names, document: PlainDocument) -> Iterator[Flow]:
    try:
        found = msgspec.convert(document.value, FlowsFile)
    except msgspec.ValidationError:
        return
    for number, entry in enumerate(found.flows):
        note = f"declared: {entry.why}" if entry.why else "declared by the user"
        place = Evidence(document.id, pointer("flows", number), note)
        for source in _parties(names, entry.source):
            for target in _parties(names, entry.target):
                for protocol, port in _ports(entry):
                    yield Flow(source, target, protocol, port, "declared", place)


def _ports(entry: Declared) -> Iterator[tuple[str, int]]:
    for value in entry.ports:
        number, _, protocol = str(value).partition("/")
        protocol = protocol.upper() or "TCP"
        if port_number(number) and protocol in _PROTOCOLS:
            yield protocol, port_number(number)


def _parties(names: Names, end: End) -> Iterator[Party]:
    if end.outside:
        yield anyone("clients outside the cluster")
    elif end.cidr:
        yield Party("address", end.cidr, cidrs=blocks([end.cidr]))
    elif end.host:
        yield Party("address", end.host)
    elif end.workload:
        found = [
            names.parties[index]
            for index, workload in enumerate(names.workloads)
            if workload.name == end.workload and end.namespace in ("", workload.namespace)
        ]
        # A workload that is not in the input has labels that nobody knows.
        yield from found or [Party("pods", end.workload, namespace=end.namespace)]
    else:
        yield from _labelled(names, end)


def _labelled(names: Names, end: End) -> Iterator[Party]:
    found = names.labelled(end.namespace, end.labels)
    words = ", ".join(f"{key}={value}" for key, value in sorted(end.labels.items()))
    name = f"pods with {words} of {end.namespace}" if words else f"pods of {end.namespace}"
    labels = tuple(sorted(end.labels.items()))
    yield from found or [Party("pods", name, namespace=end.namespace, labels=labels)]
