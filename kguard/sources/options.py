# SPDX-License-Identifier: Apache-2.0
"""How does the user want the input to be read?"""

from __future__ import annotations

from typing import Any, Literal

import msgspec


class Release(msgspec.Struct, frozen=True):
    """One way in which a chart is installed; paths are relative to the working folder."""

    chart: str
    name: str = "release"
    namespace: str = "default"
    values: tuple[str, ...] = ()
    set: dict[str, str] = {}
    kubernetes: str = ""
    top: str = ""
    """Where a git revision was written that chart and values are of; reports do not show it."""


class Options(msgspec.Struct, frozen=True):
    """How inputs are read."""

    patterns: tuple[str, ...] = ()
    """Glob patterns of file names, other than YAML and JSON, that layers read."""
    include: tuple[str, ...] = ()
    """Globs on displayed paths: if there are any, only files that match one are read."""
    exclude: tuple[str, ...] = ()
    """Globs on displayed paths: files that match one are not read."""
    render: Literal["auto", "never"] = "auto"
    """Whether charts and kustomizations are rendered by the user's own binaries."""
    online: bool = False
    """Whether a renderer may fetch what it needs."""
    fast_yaml: bool = True
    namespace: str = "default"
    """The namespace of charts that no release names."""
    releases: tuple[Release, ...] = ()
    contexts: tuple[str, ...] = ()
    """Live clusters: names of kubeconfig contexts, or `in-cluster`."""
    kubeconfig: str = ""
    """The file with the contexts, instead of the user's own."""
    snapshot: str = ""
    """A file that `kguard snapshot` wrote, to read instead of a live cluster."""
    overlays: tuple[str, ...] = ()
    """Inputs that are applied on top of all others."""
    read_secrets: bool = False
    pull_secrets: bool = False
    """Whether of Secrets the logins for registries are kept, too."""
    falco_metrics: bool = False
    """Whether the Falcos of a live cluster are asked what they have loaded."""
    known: Any = None
    """A `reading.Known` that several reads of one run share, so that both sides of a change are
    parsed once; None: nothing is shared."""
    listed: Any = None
    """A `listed.Listed` that the reads of both sides of a change share; None: there is one side."""
    settled: tuple[str, str] | None = None
    """A working tree, and where the ignore files lie that count for it instead of its own."""
