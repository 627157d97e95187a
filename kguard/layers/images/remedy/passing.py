# SPDX-License-Identifier: Apache-2.0
"""Would an image that runs be let in by a policy that enforces?

It must be signed by someone whom the policy itself names, not only by someone whom the scan trusts,
and in a format that the enforcer reads.
"""

from __future__ import annotations

from kguard.layers.images.semantics.demands import Demand, demands_of
from kguard.model.facts.images import ImageUse
from kguard.model.manifests import Manifest


def passes(use: ImageUse, policy: Manifest | None) -> bool:
    """Whether the policy in charge is known to accept the image."""
    if use.signature != "verified" or use.visible != "true":
        return False
    demands = list(demands_of(policy)) if policy is not None else []
    return not demands or any(_accepts(demand, use) for demand in demands)


def _accepts(demand: Demand, use: ImageUse) -> bool:
    if demand.key and not use.issuer:
        return fingerprint(demand.key) == use.signer
    return any(identity.matches(use.issuer, use.signer) is True for identity in demand.identities)


def fingerprint(pem: str) -> str:
    """The fingerprint of a public key; empty where it is none."""
    from kguard.layers.images.verification.keys import load_pem
    from kguard.layers.images.verification.rejected import RejectedError

    try:
        return load_pem(pem.encode()).fingerprint
    except RejectedError:
        return ""


def why_stopped(use: ImageUse, policy: Manifest | None = None) -> str:
    """Why an image would not be let in."""
    if use.signature != "verified":
        return use.signature_reason
    if use.visible != "true":
        return f"{use.enforcer} cannot read the {use.format}"
    name = policy.ref if policy is not None else use.enforcer
    return f"{name} does not name its signer {use.signer}"
