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
        `-- RemediationError  a remedy cannot be written or proved

Anything else that escapes is a bug in kguard (exit 70).
"""

from __future__ import annotations


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


def reason(error: OSError | UnicodeDecodeError) -> str:
    """Why a file could not be read, in words, without the name that the message says anyway."""
    return (error.strerror or str(error)).lower() if isinstance(error, OSError) else "no UTF-8 text"
