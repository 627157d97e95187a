# SPDX-License-Identifier: Apache-2.0
"""Which shape have the facts about what surrounds a Falco: its files, its ways out, its enemies?"""

from __future__ import annotations

from typing import Literal

import msgspec

from kguard.model.facts.common import Evidence, Truth
from kguard.model.manifests import ObjectRef

LoadState = Literal["same", "differs", "not_loaded", "foreign", "unknown"]
"""`foreign`: loaded, but not in the input; `unknown`: the input does not tell the bytes."""


class LoadedFile(msgspec.Struct):
    """A rules file of a running Falco, beside the one that the input holds."""

    installation: ObjectRef
    pod: str
    """Empty where the page does not tell."""
    file: str
    state: LoadState
    because: list[Evidence]


Protection = Literal["tls", "unverified", "plain", "local"]
"""`unverified`: TLS with anybody; `local`: they do not cross the network from here."""


Fetch = Literal["install", "follow", "operator"]
"""By falcoctl once or again and again, or by the operator."""

Careless = Literal["plain_http", "any_certificate", "no_signature"]


class Artifact(msgspec.Struct):
    """Rules or a plugin that a Falco fetches from a registry."""

    installation: ObjectRef
    reference: str
    fetch: Fetch
    moving: bool
    """Whether it is whatever is newest: `latest`, or no tag."""
    careless: list[Careless]
    """What lets somebody on the way put other rules in place."""
    because: list[Evidence]


DriverState = Literal["differs", "unknown"]


class Driver(msgspec.Struct):
    """A driver that is loaded by another release than that of the Falco."""

    installation: ObjectRef
    state: DriverState
    """`unknown`: one of the two versions is not known."""
    version: str
    because: list[Evidence]


DropState = Literal["heard", "measured", "hidden", "logged", "ignored", "exits", "none", "unknown"]
"""What comes of dropped events: an alert that is heard, a metric, an alert that no taker wants, a
line in the log of Falco itself, nothing, its end; `none`: it reads no system calls."""


class Drop(msgspec.Struct):
    """Something that a running Falco lost."""

    installation: ObjectRef
    pod: str
    """Empty where that is not told."""
    what: Literal["events", "alerts"]
    because: list[Evidence]


class Route(msgspec.Struct):
    """One way on which alerts leave a Falco."""

    installation: ObjectRef
    output: str
    """`http`, `program`, `stdout`, `syslog`, `file` or `grpc`."""
    destination: str
    """Scheme and host of a URL; empty for other outputs."""
    state: Truth
    """Whether alerts reach anyone on it."""
    least_priority: str
    """The least urgent priority that is taken at its end."""
    protection: Protection
    inside: bool
    """Whether they stay in the cluster."""
    because: list[Evidence]


class Receiver(msgspec.Struct):
    """A workload of the input to which alerts are sent."""

    installation: ObjectRef
    sender: ObjectRef
    """The Falco itself, or a Falcosidekick that sends its alerts on."""
    workload: ObjectRef
    port: int
    """Of its pods."""
    because: list[Evidence]


Means = Literal["workload", "configuration", "rules", "namespace", "exec", "taints"]
"""What somebody may lay hands on: the workload of Falco, a ConfigMap that it mounts, the operator's
objects, its whole namespace, the inside of its pods, the taints of nodes."""


class Tamper(msgspec.Struct):
    """Somebody who may change a Falco, or stop it."""

    installation: ObjectRef
    ref: ObjectRef
    """The binding."""
    subject: str
    subject_kind: str
    total: bool
    """Whether the binding gives every right on the whole cluster."""
    means: list[Means]
    guarded: bool
    """Whether admission may refuse each of these operations."""
    because: list[Evidence]
