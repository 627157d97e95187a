# SPDX-License-Identifier: Apache-2.0
"""Which connections does a text of netpol-analyzer's `--explain` allow?"""

from __future__ import annotations

import re

from kguard.layers.network.semantics.ports import PROTOCOLS, PortAtoms, PortSpan

_BETWEEN = re.compile(r"(?:CONNECTIONS BETWEEN|Connections between) (.* => .*):")
_ALLOWED = re.compile(r"\tAllowed (.*?) due to ")
_TERM = re.compile(r"(\w+)(?::\[([^\]]*)\])?")
_DEFAULT = re.compile(r"(\S+ => \S+)$")


def explained(text: str) -> dict[str, str]:
    """The ports that are allowed, by `source => destination`."""
    found: dict[str, list[PortSpan]] = {}
    pair = ""
    for line in text.splitlines():
        if match := _BETWEEN.match(line):
            pair = match[1]
            found.setdefault(pair, [])
        elif match := _ALLOWED.match(line):
            found[pair] += _spans(match[1])
        elif match := _DEFAULT.match(line):
            found[match[1]] = [PortSpan(protocol, 1, 65535) for protocol in PROTOCOLS]
    return {pair: _text(spans) for pair, spans in found.items()}


def _spans(text: str) -> list[PortSpan]:
    if text.startswith("All Connections"):
        return [PortSpan(protocol, 1, 65535) for protocol in PROTOCOLS]
    found = []
    for protocol, ports in _TERM.findall(text):
        for span in filter(None, ports.split(",")):
            low, _, high = span.partition("-")
            found.append(PortSpan(protocol, int(low), int(high or low)))
        if not ports:
            found.append(PortSpan(protocol, 1, 65535))
    return found


def _text(spans: list[PortSpan]) -> str:
    atoms = PortAtoms(spans)
    ports = 0
    for span in spans:
        ports |= atoms.of_span(span)
    return atoms.text(ports)
