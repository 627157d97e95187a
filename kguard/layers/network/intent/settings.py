# SPDX-License-Identifier: Apache-2.0
"""Which connections do the settings of workloads ask for?

Authority: istio/api networking/v1 (a VirtualService without gateways, or with `mesh`, sends the
calls of sidecars to other hosts than they name; a ServiceEntry gives the addresses and ports of a
host).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from kguard.inventory import Workload
from kguard.inventory.mentions import Mention, mentions
from kguard.inventory.settings import settings
from kguard.layers.network.intent.model import Flow, Target, flows
from kguard.layers.network.intent.names import Names
from kguard.layers.network.intent.outside import Outside
from kguard.layers.network.intent.targets import targets
from kguard.layers.network.semantics.ports import port_number

_HOST = re.compile(r"(?:HOST(?:NAME)?|ADDR(?:ESS)?|SERVER|SERVICE|ENDPOINT)$", re.IGNORECASE)


def setting_flows(names: Names, outside: Outside) -> Iterator[Flow]:
    """The connections that settings name."""
    for index, workload in enumerate(names.workloads):
        source = names.parties[index]
        found = list(settings(names.inventory, workload))
        ports = {key.upper(): text for key, text, _ in found if port_number(text)}
        for key, text, place in found:
            for mention in mentions(key, text):
                whole = _with_port(mention, key, ports)
                yield from flows(source, _targets(names, whole, workload, outside), place)


def _with_port(mention: Mention, key: str, ports: dict[str, str]) -> Mention:
    """`DB_HOST` without a port goes with `DB_PORT`."""
    if mention.port or not _HOST.search(key):
        return mention
    text = ports.get(_HOST.sub("PORT", key).upper(), "")
    return msgspec.structs.replace(mention, port=port_number(text))


def _targets(names: Names, mention: Mention, workload: Workload, outside: Outside) -> list[Target]:
    entry = outside.entry(mention, workload.namespace)
    found = entry or list(targets(names, mention, workload.namespace))
    for host, port in outside.instead(mention.host, workload.namespace):
        found += targets(names, Mention(host, port), workload.namespace)
    return found
