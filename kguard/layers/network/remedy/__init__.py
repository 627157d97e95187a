# SPDX-License-Identifier: Apache-2.0
"""What closes the findings about pod-to-pod traffic?"""

from __future__ import annotations

from collections.abc import Mapping

from kguard.layers.network.remedy.edits import except_metadata, put_in_force
from kguard.layers.network.remedy.flows import allow_flow, restrict_egress
from kguard.layers.network.remedy.isolate import isolate_ingress, namespace_deny
from kguard.model.remedies import RemedyFunction

REMEDIES: Mapping[str, RemedyFunction] = {
    "allow_flow": allow_flow,
    "except_metadata": except_metadata,
    "isolate_ingress": isolate_ingress,
    "namespace_deny": namespace_deny,
    "put_in_force": put_in_force,
    "restrict_egress": restrict_egress,
}
