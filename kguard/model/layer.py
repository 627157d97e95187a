# SPDX-License-Identifier: Apache-2.0
"""What must a security layer offer to the pipeline?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

import msgspec

from kguard.model.comparison import Change, Comparison
from kguard.model.facts.common import Scope
from kguard.model.findings import LayerCoverage

__all__ = ["Change", "Comparison", "Layer", "Request"]

InventoryT = TypeVar("InventoryT")


class Request(msgspec.Struct, frozen=True):
    """What the user asked of this scan, as far as facts depend on it."""

    scope: Scope
    at: datetime
    """The time of the scan, aware, in UTC."""
    evidence_dirs: tuple[str, ...] = ()
    """Folders with signatures (an OCI layout or an evidence folder), `--evidence`."""
    trust_roots: tuple[str, ...] = ()
    """Files with trusted roots (trusted_root.json) and public keys."""
    identities: tuple[dict[str, str], ...] = ()
    """Signers that are trusted: `issuer`/`issuerRegExp`, `subject`/`subjectRegExp`, `images`."""
    registry: bool = False
    """Whether registries may be asked."""
    approved: frozenset[str] | None = None
    """The annotations of acceptance that count (`inventory.acceptances`); None: all."""
    settings: dict[str, Any] = {}
    """Settings of kguard.yaml that one layer alone reads, by its name, as JSON values."""
    progress: Callable[[str], None] | None = None
    """Told now and then how far something is that takes long."""


@dataclass(frozen=True, slots=True)
class Layer(Generic[InventoryT]):
    """One protection layer: how its facts are computed, counted and compared."""

    name: str
    facts_type: type[msgspec.Struct]
    """The top struct of the facts document."""
    facts: Callable[[InventoryT, Request], msgspec.Struct]
    """Computes the facts document. Never raises on hostile manifests."""
    coverage: Callable[[Any], LayerCoverage]
    """How much of the layer a facts document evaluated."""
    compare: Callable[[Any, Any], Comparison]
    """Differences of effect from a facts document to a later one."""
    plugins: Sequence[str] = ()
    """Network plugins (values of the assumption `cni`) that read the same input differently."""
    files: Sequence[str] = ()
    """Glob patterns of file names, other than YAML and JSON, that the layer reads."""
