# SPDX-License-Identifier: Apache-2.0
"""What makes the API server record what it should?"""

from __future__ import annotations

from collections.abc import Mapping

from kguard.layers.audit.remedy.policy import mend_policy, new_policy
from kguard.layers.audit.remedy.server import mend_server
from kguard.model.remedies import RemedyFunction

REMEDIES: Mapping[str, RemedyFunction] = {
    "mend_policy": mend_policy,
    "mend_server": mend_server,
    "new_policy": new_policy,
}
