# SPDX-License-Identifier: Apache-2.0
"""What closes the findings of the layer `images`?"""

from __future__ import annotations

from collections.abc import Mapping

from kguard.layers.images.remedy.digests import demand_digests
from kguard.layers.images.remedy.enforce import enforce, enforce_policy, fail_closed
from kguard.layers.images.remedy.pin import pin
from kguard.layers.images.remedy.sign import sign
from kguard.model.remedies import RemedyFunction

REMEDIES: Mapping[str, RemedyFunction] = {
    "demand_digests": demand_digests,
    "enforce": enforce,
    "enforce_policy": enforce_policy,
    "fail_closed": fail_closed,
    "pin": pin,
    "sign": sign,
}
"""The remedies, by the name that policies use."""
