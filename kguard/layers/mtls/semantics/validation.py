# SPDX-License-Identifier: Apache-2.0
"""Would the API server store this PeerAuthentication?

Authority: the CRD's schema and CEL rules (istio/api security/v1beta1/peer_authentication.proto)
and istiod's webhook (istio/istio pkg/config/validation/validation.go
`ValidatePeerAuthentication`), which say the same. A policy that is refused is not in the cluster.
"""

from __future__ import annotations

import msgspec

from kguard.model.locations import pointer
from kguard.model.manifests import JsonObject, mapping

MODES = ("UNSET", "DISABLE", "PERMISSIVE", "STRICT")
MAX_PORT = 65535


class Problem(msgspec.Struct, frozen=True, order=True):
    """One reason why the object is refused."""

    pointer: str
    text: str


def problems(value: JsonObject) -> list[Problem]:
    """Every reason why a PeerAuthentication is refused, in the order of its fields."""
    spec = mapping(value.get("spec"))
    return [*_selector(spec), *_mode(spec.get("mtls"), "/spec/mtls"), *_port_level(spec)]


def _selector(spec: JsonObject) -> list[Problem]:
    labels = mapping(mapping(spec.get("selector")).get("matchLabels"))
    found = []
    for key, text in labels.items():
        place = "/spec/selector/matchLabels" + pointer(key)
        if not key:
            found.append(Problem(place, "a label key of the selector is empty"))
        if "*" in key or (isinstance(text, str) and "*" in text):
            found.append(Problem(place, "wildcards are not supported in a selector"))
    return found


def _mode(mtls: object, place: str) -> list[Problem]:
    mode = mapping(mtls).get("mode")
    if mode is None or mode in MODES:
        return []
    return [Problem(f"{place}/mode", f"unknown mode {mode!r}: one of {', '.join(MODES)}")]


def _port_level(spec: JsonObject) -> list[Problem]:
    if spec.get("portLevelMtls") is None:
        return []
    ports = mapping(spec["portLevelMtls"])
    place = "/spec/portLevelMtls"
    found = []
    if not mapping(mapping(spec.get("selector")).get("matchLabels")):
        found.append(Problem(place, "portLevelMtls needs a selector with labels"))
    if not ports:
        found.append(Problem(place, "portLevelMtls must name at least one port"))
    for key, mtls in ports.items():
        port_place = place + pointer(str(key))
        if not _is_port(str(key)):
            found.append(Problem(port_place, f"{key!r} is no port from 1 to {MAX_PORT}"))
        found.extend(_mode(mtls, port_place))
    return found


def _is_port(text: str) -> bool:
    digits = text.isascii() and text.isdecimal() and len(text) <= len(str(MAX_PORT))
    return digits and 0 < int(text) <= MAX_PORT
