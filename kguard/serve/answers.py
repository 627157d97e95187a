# SPDX-License-Identifier: Apache-2.0
"""How does a decision become an answer, in the mode that the user chose?

What could not be decided in time is never passed over in silence: it is denied, or admitted with a
warning, and the audit log of the API server keeps it in both cases.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from kguard.admission import MAX_WARNING, MAX_WARNINGS, Answer, Response, Status
from kguard.model.safe_text import clean
from kguard.serve.settings import Mode, Undecided

Outcome = Literal["admitted", "warned", "denied", "undecided"]

_UNAVAILABLE = 503


def in_mode(decision: Response, mode: Mode) -> tuple[Response, Outcome]:
    """What goes back for a decision, and what metrics and log call it.

    In `warn` and `dry-run` a denial is counted as one, and admitted; in `dry-run` its user hears
    nothing. The annotation `would-deny` keeps it in the API server's audit log.
    """
    outcome: Outcome = "warned" if decision.warnings else "admitted"
    if not decision.allowed:
        outcome = "denied"
    if mode == "enforce":
        return decision, outcome
    warnings = decision.warnings
    notes = dict(decision.audit_annotations)
    if decision.status is not None:
        warnings = (*_pieces(decision.status.message), *warnings)[:MAX_WARNINGS]
        notes["would-deny"] = "true"
    shown = warnings if mode == "warn" else ()
    return Response(decision.uid, allowed=True, warnings=shown, audit_annotations=notes), outcome


def undecided(uid: str, reason: str, mode: Mode, otherwise: Undecided) -> Response:
    """The answer to a request that was not judged."""
    text = clean(f"kguard did not judge this: {reason}")
    notes = {"undecided": text}
    if mode == "enforce" and otherwise == "deny":
        status = Status(text, _UNAVAILABLE, "ServiceUnavailable")
        return Response(uid, allowed=False, status=status, audit_annotations=notes)
    warnings = () if mode == "dry-run" else (text[:MAX_WARNING],)
    return Response(uid, allowed=True, warnings=warnings, audit_annotations=notes)


def _pieces(message: str) -> list[str]:
    """The reasons of a denial as warnings, each within the length that the API server shows."""
    reasons = [f"would be denied: {reason}" for reason in message.split("; ")]
    return [r if len(r) <= MAX_WARNING else r[: MAX_WARNING - 1] + "…" for r in reasons]


def encoded(response: Response) -> bytes:
    """The review as it goes back."""
    return msgspec.json.encode(Answer(response))
