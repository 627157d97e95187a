# SPDX-License-Identifier: Apache-2.0
"""What is known of one API server, whatever tool configures it?"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from kguard.layers.audit.semantics.flags import Flag
from kguard.model.facts.audit import How, LossCause, Recording
from kguard.model.manifests import ObjectRef

MountKind = Literal["host", "inline", "ephemeral", "unknown"]


class Mount(msgspec.Struct, frozen=True):
    """A folder or file of the node that the server's container sees."""

    path: str
    """In the container."""
    source: str
    """On the node (or on the machine of the user, for kind); empty where it is no host path."""
    kind: MountKind
    read_only: bool = False
    pointer: str = ""
    volume: str = ""
    """The name of its volume, where only that is known."""


class InlineFile(msgspec.Struct, frozen=True):
    """A file whose content stands in the configuration itself."""

    path: str
    value: Any
    """The decoded content; None where it cannot be read."""
    pointer: str
    id: str = ""
    """The object that holds it; empty for the configuration itself."""


class Managed(msgspec.Struct, frozen=True):
    """What a provider's setting says about an API server that nobody else configures."""

    recording: Recording
    note: str
    pointer: str = ""
    loss: LossCause | None = None
    loss_text: str = ""


class Configuration(msgspec.Struct, frozen=True):
    """One API server as its configuration describes it."""

    ref: ObjectRef
    id: str
    """What evidence refers to."""
    how: How
    file: str = ""
    flags: tuple[Flag, ...] = ()
    version: str = ""
    place: str = ""
    """JSON pointer of the part where flags belong."""
    line: int = 0
    mounts: tuple[Mount, ...] | None = None
    """None where the server runs on the node itself and sees all of its files."""
    outer: tuple[Mount, ...] = ()
    """What the node itself sees of the machine of the user (kind)."""
    files: tuple[InlineFile, ...] = ()
    unsure: str = ""
    """Why there may be flags that are not seen; empty where all are seen."""
    built_in: Any = None
    """The policy document that the distribution itself writes, if it does."""
    built_in_name: str = ""
    """What the built-in policy is called, where it has a name of its own."""
    managed: Managed | None = None
    patches: tuple[str, ...] = ()
    """Files of kubeadm's patches that change the API server after what stands here."""
    replica_of: str = ""
    """The control plane that it is one of several servers of; empty where that is not known."""


def under(path: str, folder: str) -> bool:
    """Whether a path is a folder or lies in it."""
    folder = folder.rstrip("/") or "/"
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def mount_of(path: str, mounts: tuple[Mount, ...]) -> Mount | None:
    """The mount through which a container sees a path: the innermost one."""
    found = [mount for mount in mounts if mount.path and under(path, mount.path)]
    return max(found, key=lambda mount: len(mount.path), default=None)


def beyond(path: str, mount: Mount) -> str:
    """The path outside of the container that a path in a mount stands for."""
    rest = path[len(mount.path.rstrip("/")) :]
    return mount.source.rstrip("/") + rest if mount.source else ""
