# SPDX-License-Identifier: Apache-2.0
"""What keeps rules of one setup from firing?"""

from __future__ import annotations

from kguard.layers.runtime.facts.judged import ALL_PRIORITIES, Losses, partial_losses
from kguard.layers.runtime.remedy.places import Setup
from kguard.model.facts import runtime as model


def losses_of(setup: Setup) -> list[model.Loss]:
    """Every loss, as the facts have it."""
    falco = setup.falco
    if not setup.rules.is_complete:
        return list(partial_losses(setup.rules))
    if falco is None:
        return list(Losses(setup.rules, (), ALL_PRIORITIES, None).all())
    found = Losses(setup.rules, falco.selections, falco.settings.minimum, falco.config_text)
    return list(found.all())
