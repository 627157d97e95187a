# SPDX-License-Identifier: Apache-2.0
"""What does kguard know of this cluster that Falco's rules can use?

The lists of rules/kguard_intent_rules.yaml, filled from the other layers' facts: addresses outside
of the cluster that connections are meant to reach, and images with a signature that holds.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Iterable

from kguard.model.facts.images import ImageUse
from kguard.model.facts.network import Flow

OUTBOUND = "kguard connection that nobody meant"
UNSIGNED = "kguard image that nobody signed"

_HOST = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z][a-z0-9-]*", re.IGNORECASE)
_SIGNED = ("verified", "signed_via_index")


def local_rules(flows: Iterable[Flow], uses: Iterable[ImageUse]) -> str:
    """A rules file that fills the lists and switches on the rules whose lists it fills."""
    networks, hosts = _destinations(flows)
    signed = [use for use in uses if use.signature in _SIGNED and use.digest]
    digests = sorted({use.digest for use in signed})
    blocks = [
        "# SPDX-License-Identifier: Apache-2.0",
        "# Load after kguard_intent_rules.yaml. Made by `kguard runtime generate`.",
    ]
    if networks or hosts:
        blocks += [
            _list("kguard_expected_networks", [f'"{one}"' for one in networks]),
            _list("kguard_expected_hosts", hosts),
            _switched_on(OUTBOUND),
        ]
    if digests:
        blocks += [_list("kguard_signed_digests", digests), _switched_on(UNSIGNED)]
    return "\n\n".join(blocks) + "\n"


def _destinations(flows: Iterable[Flow]) -> tuple[list[str], list[str]]:
    """Networks and host names that connections are meant to reach."""
    networks: set[str] = set()
    hosts: set[str] = set()
    for flow in flows:
        network = _network(flow.target)
        if network:
            networks.add(network)
        elif _HOST.fullmatch(flow.target):
            hosts.add(flow.target.lower())
    return sorted(networks), sorted(hosts)


def _network(text: str) -> str:
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        return ""
    return str(network) if network.prefixlen else ""


def _list(name: str, items: list[str]) -> str:
    lines = [f"- list: {name}", "  items:" if items else "  items: []"]
    lines += [f"  - {json.dumps(item)}" for item in items]
    return "\n".join([*lines, "  override: {items: replace}"])


def _switched_on(rule: str) -> str:
    return f"- rule: {rule}\n  enabled: true\n  override: {{enabled: replace}}"
