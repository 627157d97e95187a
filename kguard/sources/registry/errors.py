# SPDX-License-Identifier: Apache-2.0
"""In which ways does a registry not answer?"""

from __future__ import annotations

from typing import Literal

Reason = Literal["auth", "rate_limited", "unreachable", "wrong_bytes", "too_large", "refused"]
"""`refused`: we do not ask, because the place is not one that a registry may send us to."""


class RegistryError(Exception):
    """A registry did not answer what it was asked; the message says why, without secrets."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason: Reason = reason
        self.message = message
