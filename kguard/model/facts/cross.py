# SPDX-License-Identifier: Apache-2.0
"""Which shape have the facts that only several layers together can tell?"""

from __future__ import annotations

from typing import Literal

import msgspec

from kguard.model.facts.common import Evidence, Presence, Scope
from kguard.model.manifests import ObjectRef


class AuditRule(msgspec.Struct):
    """A Falco rule about audit events, beside the audit policy that feeds it."""

    ref: ObjectRef
    """The Falco, or the rules file where no Falco is in the input."""
    rule: str
    policy: str
    """The audit policy, by name."""
    state: Literal["fed", "starved", "unknown"]
    """`starved`: no request that the API server serves leaves in the log what the rule needs."""
    needs: Literal["Metadata", "Request", "RequestResponse"]
    finds: Literal["None", "Metadata", "Request", "RequestResponse", "unknown"]
    """The most that the log holds of such requests, at the stages that the rule reads."""
    stages: list[str]
    about: str
    """The requests in words: `create pods`."""
    because: list[Evidence]


DeliveryState = Literal["arrives", "blocked", "refused", "unknown"]


class Delivery(msgspec.Struct):
    """A part of the way of alerts from a Falco to a workload that receives them."""

    ref: ObjectRef
    """The Falco."""
    sender: ObjectRef
    """The Falco, or the Falcosidekick that sends its alerts on."""
    receiver: ObjectRef
    port: int
    state: DeliveryState
    """`blocked`: policies do not let the connection through; `refused`: the receiver takes mutual
    TLS only, and Falco has no proxy that speaks it."""
    because: list[Evidence]


class Call(msgspec.Struct):
    """The way of an intended call between workloads of the mesh through network policies."""

    ref: ObjectRef
    """The client."""
    server: ObjectRef
    port: str
    """Of the server's pods."""
    service: str
    """Namespace, name and port of the Service on the way."""
    way: str
    """The port at which the connection arrives: 15008 for a tunnel of the ambient mesh."""
    state: Literal["arrives", "blocked", "unknown"]
    because: list[Evidence]
    """The policies that block it."""


class Facts(msgspec.Struct):
    """The facts document of what layers do to one another."""

    scope: Scope
    presence: Presence
    """Whether there is anything to join."""
    audit_rules: list[AuditRule] = []
    deliveries: list[Delivery] = []
    calls: list[Call] = []
    """For the proof of remedies; what is blocked as it is, the network layer finds."""
