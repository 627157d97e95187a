# SPDX-License-Identifier: Apache-2.0
"""What is a clause of a framework, and how far can policies answer it?"""

from __future__ import annotations

from typing import Literal

import msgspec

Reach = Literal["automated", "partial", "manual"]


class Clause(msgspec.Struct, frozen=True):
    """One clause of a framework."""

    id: str
    """As METADATA names it, such as `CIS-5.3.2`."""
    clause: str
    """As the framework names it, such as `5.3.2`."""
    title: str
    reach: Reach
    """Whether policies decide the clause, can only show that it is not met, or do not look."""
    left: str
    """What a person must look at besides; empty for `automated`."""
    policies: tuple[str, ...]
    """Ids of the policies that answer it, sorted; empty for `manual`."""


class Framework(msgspec.Struct, frozen=True):
    """A framework with the clauses that concern the five layers."""

    key: str
    """Its name on the command line, such as `cis`."""
    name: str
    clauses: tuple[Clause, ...]
