# SPDX-License-Identifier: Apache-2.0
"""Where do manifests come from?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from kguard.model.manifests import Collected


class Release(msgspec.Struct, frozen=True):
    """One way in which a chart is installed; paths are relative to the working folder."""

    chart: str
    name: str = "release"
    namespace: str = "default"
    values: tuple[str, ...] = ()
    set: dict[str, str] = {}
    kubernetes: str = ""


class Options(msgspec.Struct, frozen=True):
    """How inputs are read."""

    patterns: tuple[str, ...] = ()
    """Glob patterns of file names, other than YAML and JSON, that layers read."""
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    render: Literal["auto", "never"] = "auto"
    online: bool = False
    fast_yaml: bool = True
    namespace: str = "default"
    releases: tuple[Release, ...] = ()
    contexts: tuple[str, ...] = ()
    read_secrets: bool = False


def collect(inputs: Sequence[str], options: Options) -> Collected:
    """Read every input: files, folders, globs, `-`, `rev:REV`, charts, live contexts.

    Raises:
        SourceError: an input does not exist or cannot be read at all.
    """
    raise NotImplementedError(inputs, options)
