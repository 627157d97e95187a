# SPDX-License-Identifier: Apache-2.0
"""Which errors does kguard raise for its user?

Every error that a user can cause or mend is one sentence with a place and a hint:

    KguardError
    |-- UsageError        the command line makes no sense                    exit 2
    |   `-- ConfigError   kguard.yaml, a waivers file or a baseline is wrong exit 2
    `-- IncompleteError   the work could not be done as asked                exit 3
        |-- SourceError   nothing could be read at all
        |-- ClusterError  the API server cannot be reached or refuses
        |-- EngineError   the Rego engine failed, crashed or ran out of time
        |   `-- PolicyError  a policy cannot be compiled or breaks the contract
        |-- RemediationError  a remedy cannot be written or proved
        `-- HistoryError  the history cannot be opened or written

Anything else that escapes is a bug in kguard (exit 70).
"""

from __future__ import annotations

import re
from collections.abc import Iterable


class KguardError(Exception):
    """An error that the user can mend.

    Args:
        message: one sentence, without trailing full stop handling.
        where: `file:line:column` or the name of a source, if there is one.
        hint: what to do about it.
    """

    exit_code = 2

    def __init__(self, message: str, *, where: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.where}: {self.message}" if self.where else self.message


class UsageError(KguardError):
    """The command line makes no sense."""


class ConfigError(UsageError):
    """A file of settings is wrong."""


class IncompleteError(KguardError):
    """The work could not be done as asked."""

    exit_code = 3


class SourceError(IncompleteError):
    """An input could not be read at all."""


class ClusterError(IncompleteError):
    """The API server cannot be reached or refuses."""


class EngineError(IncompleteError):
    """The Rego engine failed."""


class PolicyError(EngineError):
    """A policy cannot be compiled or breaks the Rego contract."""


class RemediationError(IncompleteError):
    """A remedy cannot be written or proved."""


class DeliveryError(IncompleteError):
    """Metrics of a report did not reach their taker; every report is written."""


class HistoryError(IncompleteError):
    """The history cannot be opened or written."""


def reason(error: OSError | UnicodeDecodeError) -> str:
    """Why a file could not be read, in words, without the name that the message says anyway."""
    return (error.strerror or str(error)).lower() if isinstance(error, OSError) else "no UTF-8 text"


ALIKE = 0.75
"""How alike names are of which one is a slip of the other (0 to 1, as difflib counts)."""


def nearest(name: str, known: Iterable[str]) -> str:
    """The known name of which a name is most likely a slip; empty where none is close.

    Behind a `family/` that is right, only the rest is compared: a shared family makes no names
    alike.
    """
    from difflib import get_close_matches

    head = name[: name.rfind("/") + 1]
    whole = sorted(known)
    rest = {one.removeprefix(head): one for one in whole if one.startswith(head)}
    if found := get_close_matches(name.removeprefix(head), list(rest), n=1, cutoff=ALIKE):
        return rest[found[0]]
    return next(iter(get_close_matches(name, whole, n=1, cutoff=(1 + ALIKE) / 2)), "")


_PLACE = re.compile(r" - at `(?:key in )?\$(.*)`$")
_STEP = re.compile(r"\.([\w-]+)|\[(\d+)\]")


def validation(error: Exception) -> tuple[str, list[str]]:
    """What msgspec finds wrong with a value, and the keys and indexes that lead there."""
    problem = str(error)
    place = _PLACE.search(problem)
    if not place:
        return problem, []
    return problem[: place.start()], ["".join(step) for step in _STEP.findall(place[1])]


def suggested(name: str, known: Iterable[str], otherwise: str) -> str:
    """A hint for a name that does not exist."""
    near = nearest(name, known)
    return f"did you mean {near}?" if near else otherwise
