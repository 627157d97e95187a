# SPDX-License-Identifier: Apache-2.0
"""Where is the history kept, and how does its shape grow without losing anything?

SQLite holds the history of one machine in one file, PostgreSQL one that many runners share. Both
speak the SQL that is written in this package; what they say differently is in their own modules.
Each change of shape is a migration, applied once, in order, in the transaction that needs it; a
history of a later kguard is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Protocol

from kguard.errors import HistoryError

WAIT_SECONDS = 60.0
"""How long one runner waits for another that is writing."""
MIGRATIONS = (
    """
    CREATE TABLE audit (
        subject TEXT NOT NULL, at TEXT NOT NULL, kguard TEXT NOT NULL, policies TEXT NOT NULL,
        inputs TEXT NOT NULL, facts TEXT NOT NULL, complete INTEGER NOT NULL,
        opened INTEGER NOT NULL, closed INTEGER NOT NULL, reopened INTEGER NOT NULL,
        PRIMARY KEY (subject, at));
    CREATE TABLE finding (
        subject TEXT NOT NULL, fingerprint TEXT NOT NULL, policy TEXT NOT NULL,
        layer TEXT NOT NULL, target TEXT NOT NULL, message TEXT NOT NULL,
        PRIMARY KEY (subject, fingerprint));
    CREATE TABLE spell (
        subject TEXT NOT NULL, fingerprint TEXT NOT NULL, since TEXT NOT NULL, until TEXT,
        state TEXT NOT NULL, severity TEXT NOT NULL,
        PRIMARY KEY (subject, fingerprint, since));
    CREATE INDEX spell_now ON spell (subject) WHERE until IS NULL;
    CREATE TABLE facts (digest TEXT NOT NULL PRIMARY KEY, body BLOB NOT NULL)
    """,
    """
    ALTER TABLE audit ADD COLUMN run TEXT NOT NULL DEFAULT '';
    ALTER TABLE audit ADD COLUMN summary TEXT NOT NULL DEFAULT '{}';
    ALTER TABLE spell ADD COLUMN waived_until TEXT NOT NULL DEFAULT '';
    CREATE TABLE effect (
        subject TEXT NOT NULL, at TEXT NOT NULL, kind TEXT NOT NULL, target TEXT NOT NULL,
        text TEXT NOT NULL, PRIMARY KEY (subject, at, kind, target, text))
    """,
)
"""The statements that lead from each version to the next; what was released never changes."""


class Database(Protocol):
    """An open history. Statements hold `?` where values go."""

    @property
    def name(self) -> str:
        """The file, or the address without its password."""

    def rows(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The answer to a query; empty for a statement that has none.

        Raises:
            HistoryError: the store fails.
        """

    def many(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run a statement once for each row.

        Raises:
            HistoryError: the store fails.
        """

    def transaction(self, subject: str = "") -> AbstractContextManager[None]:
        """Everything inside happens, or nothing.

        Args:
            subject: the only one that is written, by nobody else meanwhile; empty for all.

        Raises:
            HistoryError: another runner writes for longer than `WAIT_SECONDS`, or the store fails.
        """

    def reading(self) -> AbstractContextManager[None]:
        """All queries inside see the same state, whatever others write meanwhile."""

    def version(self) -> int:
        """How many migrations were applied; 0 where there is nothing yet."""

    def migrate(self, statements: Sequence[str], version: int) -> None:
        """Change the shape, within a transaction, and note its version."""

    def close(self) -> None:
        """End the connection."""


@contextmanager
def connect(name: str, *, create: bool = False) -> Iterator[Database]:
    """The history of a name, in its newest shape.

    Args:
        name: a file, or `postgresql://...`.
        create: whether a history that is not there is begun.

    Raises:
        HistoryError: it is not there, cannot be reached, is no history, or one of a later kguard.
        UsageError: the address makes no sense, or PostgreSQL's client is not installed.
    """
    database = _opened(name, create=create)
    try:
        _migrate(database)
        yield database
    finally:
        database.close()


@contextmanager
def opened(name: str) -> Iterator[Database]:
    """A history that is there, as it is at one moment.

    Raises:
        HistoryError: as `connect`.
        UsageError: as `connect`.
    """
    with connect(name) as database, database.reading():
        yield database


def _opened(name: str, *, create: bool) -> Database:
    if is_address(name):
        from kguard.history import postgres

        return postgres.connect(name, create=create)
    from kguard.history import sqlite

    return sqlite.connect(name, create=create)


def check(name: str) -> None:
    """Refuse the name of a history that can be none, before any work is done for it.

    Raises:
        UsageError: the address makes no sense, or PostgreSQL's client is not installed.
    """
    if is_address(name):
        from kguard.history import postgres

        postgres.parts(name)


def is_address(name: str) -> bool:
    """Whether the name of a history is an address of PostgreSQL, not a file."""
    return name.startswith(("postgresql://", "postgres://"))


def _migrate(database: Database) -> None:
    """Bring a history to the newest shape."""
    known = len(MIGRATIONS)
    version = database.version()
    if version == known:
        return
    if version > known:
        hint = "upgrade kguard"
        raise HistoryError("the history is a later version's", where=database.name, hint=hint)
    with database.transaction():
        pending = MIGRATIONS[database.version() :]  # another runner may have been faster
        database.migrate([one for text in pending for one in text.split(";")], known)
