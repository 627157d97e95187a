# SPDX-License-Identifier: Apache-2.0
"""What does the user want to see of a report?"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import msgspec


class Settings(msgspec.Struct, frozen=True):
    """Settings that all reporters take; most use none of them."""

    verbose: bool = False
    exit_code: int = 0
    """The code that the command will end with, for the last line of the terminal report."""
    known: Collection[str] = ()
    """Fingerprints of the findings that an earlier audit had."""
    cluster: str = ""
    """The name of the cluster that the report is about, where there are reports about others."""
    pages: Mapping[str, str] = {}
    """Of a report about several clusters: the files with the reports of each, by its name."""
    color: bool | None = None
    """None: as the terminal allows."""
    width: int = 0
    """Columns; 0: as the terminal says."""
    frameworks: tuple[str, ...] = ()
    """Keys of the frameworks that reports about controls show; empty for all."""
    reproduce: str = ""
    """The command that says the same on somebody's own machine."""
