# SPDX-License-Identifier: Apache-2.0
"""Where do manifests come from, and what is in them?"""

from __future__ import annotations

from collections.abc import Sequence

from kguard.model.manifests import Collected
from kguard.sources.options import Options, Release

__all__ = ["Options", "Release", "collect", "overlaid"]


def collect(inputs: Sequence[str], options: Options | None = None) -> Collected:
    """Read everything that the inputs name.

    Args:
        inputs: files, folders, globs, `-` for standard input, `rev:REV` or `rev:REV:FOLDER` for a
            git revision.
        options: how to read them, and which live clusters to read as well.

    Returns:
        What was found. What could not be read is part of the result; the rest is read all the
        same. A file that two inputs name is read once.

    Raises:
        ClusterError: a live cluster cannot be reached or does not know the user.
        UsageError: there is no such context, or an input is empty.
    """
    from kguard.sources.collecting import read_all

    return read_all(inputs, options or Options())


def overlaid(base: Collected, top: Collected) -> Collected:
    """What is there once the manifests of one input are applied on top of another.

    Args:
        base: what was read of a cluster, or of files; it stays as it is.
        top: the manifests to apply; from now on they are known as such.
    """
    from kguard.sources.collecting import merge, overlay

    found = Collected()
    merge(base, found)
    overlay(top, found)
    return found
