# SPDX-License-Identifier: Apache-2.0
"""How are many clusters audited in one run, none of them standing in another's way?"""

from __future__ import annotations

from kguard.fleet.auditing import Outcome, audit
from kguard.fleet.members import Member, beside, configured
from kguard.fleet.overview import merged, row, table

__all__ = ["Member", "Outcome", "audit", "beside", "configured", "merged", "row", "table"]
