# SPDX-License-Identifier: Apache-2.0
"""What does a user write into `kguard-flows.yaml`?"""

from __future__ import annotations

from typing import Literal

import msgspec

FILE_NAMES = ("kguard-flows.yaml", "kguard-flows.yml")


class _Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pass


class End(_Strict, frozen=True):
    """One end of a connection: pods, or addresses, or a host, or the clients outside."""

    namespace: str = ""
    """Of the pods; with neither `workload` nor `labels`, every pod of it."""
    workload: str = ""
    """The name of a Deployment, StatefulSet, Knative Service ..."""
    labels: dict[str, str] = {}
    cidr: str = ""
    host: str = ""
    """A host outside the cluster."""
    outside: bool = False
    """Clients outside the cluster (only as the source)."""


class Declared(_Strict, frozen=True):
    """Connections that are meant."""

    source: End = msgspec.field(name="from")
    target: End = msgspec.field(name="to")
    ports: tuple[int | str, ...]
    """`5432`, `53/UDP`: ports of the pods, not of a Service."""
    why: str = ""


class FlowsFile(_Strict, frozen=True):
    """The connections that the user declares."""

    flows: tuple[Declared, ...]
    schema: Literal["kguard/flows/v1"] = "kguard/flows/v1"


def is_declaration(file: str, given: list[str]) -> bool:
    """Whether a YAML file holds declared flows: by its name, or because the user said so."""
    named = file.rpartition("/")[2] in FILE_NAMES
    return named or (file in given and file.endswith((".yaml", ".yml")))
