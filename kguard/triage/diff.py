# SPDX-License-Identifier: Apache-2.0
"""What is different between two reports?"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from kguard.model.findings import Finding
from kguard.model.layer import Comparison


class Difference(msgspec.Struct, frozen=True):
    """What a change does: effects, and findings that appear or vanish."""

    effects: Comparison
    new: tuple[Finding, ...]
    fixed: tuple[Finding, ...]
    unchanged: int

    @property
    def silent(self) -> bool:
        """Whether nothing changed that any layer can tell."""
        effects = self.effects
        return not (
            self.new
            or self.fixed
            or effects.weaker
            or effects.stronger
            or effects.cut
            or effects.opened
        )


def difference(
    before: Iterable[Finding], after: Iterable[Finding], effects: Comparison
) -> Difference:
    """Subtract findings by fingerprint; waived ones are left out on both sides."""
    old = {f.fingerprint: f for f in before if f.state != "waived"}
    new = {f.fingerprint: f for f in after if f.state != "waived"}
    return Difference(
        effects=effects,
        new=tuple(f for key, f in new.items() if key not in old),
        fixed=tuple(f for key, f in old.items() if key not in new),
        unchanged=len(old.keys() & new.keys()),
    )
