# SPDX-License-Identifier: Apache-2.0
"""Why is a signature not accepted?"""

from __future__ import annotations

from kguard.model.facts.images import SignatureClass


class RejectedError(Exception):
    """A step of the verification failed.

    Args:
        verdict: the class of the failure.
        reason: the step that failed, in plain words.
    """

    def __init__(self, verdict: SignatureClass, reason: str) -> None:
        super().__init__(reason)
        self.verdict: SignatureClass = verdict
        self.reason = reason


def tampered(reason: str) -> RejectedError:
    """The parts do not fit together."""
    return RejectedError("tampered", reason)


def untrusted(reason: str) -> RejectedError:
    """Something comes from an authority outside the trusted root."""
    return RejectedError("untrusted_root", reason)


def untimed(reason: str) -> RejectedError:
    """Nothing proves that the signature was made while its certificate was valid."""
    return RejectedError("expired_or_untimed", reason)


def unsupported(reason: str) -> RejectedError:
    """The format is not known."""
    return RejectedError("unsupported_format", reason)


def missing(reason: str) -> RejectedError:
    """Something is needed that is not there."""
    return RejectedError("unverifiable_offline", reason)
