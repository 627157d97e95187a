# SPDX-License-Identifier: Apache-2.0
"""Where is the history kept, and how does its shape grow without losing anything?

SQLite holds the history of one machine in one file. Each change of shape is a migration, applied
once, in order, in the transaction that needs it; a history of a later kguard is refused.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kguard.errors import HistoryError, reason

WAIT_SECONDS = 60.0
"""How long one runner waits for another that is writing."""

_MODE = 0o600
"""A history tells what is wrong with a cluster: its owner reads it."""
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
)
"""The statements that lead from each version to the next; what was released never changes."""


class Database:
    """An open history."""

    def __init__(self, connection: sqlite3.Connection, name: str) -> None:
        self._connection = connection
        self.name = name

    def rows(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The answer to a query."""
        return self._connection.execute(statement, values).fetchall()

    def many(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run a statement once for each row."""
        self._connection.executemany(statement, rows)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything inside happens, or nothing; one writer at a time.

        Raises:
            HistoryError: another runner writes for longer than `WAIT_SECONDS`, or the disk is full.
        """
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise HistoryError(f"the history cannot be written: {error}", where=self.name) from None

    def close(self) -> None:
        """End the connection."""
        self._connection.close()


@contextmanager
def connect(name: str, *, create: bool = False) -> Iterator[Database]:
    """The history in a file, in its newest shape.

    Args:
        name: the file.
        create: whether a history that is not there is begun.

    Raises:
        HistoryError: the file is not there, no history, or one of a later kguard.
    """
    if not create and not Path(name).is_file():
        hint = "`kguard scan ... --history FILE` begins one"
        raise HistoryError("there is no history", where=name, hint=hint)
    try:
        if create:
            Path(name).touch(mode=_MODE)
        connection = sqlite3.connect(name, timeout=WAIT_SECONDS, isolation_level=None)
        connection.execute("PRAGMA journal_mode = WAL")
    except sqlite3.Error as error:
        raise HistoryError(f"this is no history: {error}", where=name) from None
    except OSError as error:
        raise HistoryError(f"it cannot be opened: {reason(error)}", where=name) from None
    database = Database(connection, name)
    try:
        _migrate(database)
        yield database
    finally:
        database.close()


def _migrate(database: Database) -> None:
    """Bring a history to the newest shape."""
    known = len(MIGRATIONS)
    version = _version(database)
    if version == known:
        return
    if version > known:
        hint = "upgrade kguard"
        raise HistoryError("the history is a later version's", where=database.name, hint=hint)
    with database.transaction():
        for text in MIGRATIONS[_version(database) :]:
            for statement in text.split(";"):
                database.rows(statement)
        database.rows(f"PRAGMA user_version = {known}")


def _version(database: Database) -> int:
    ((version,),) = database.rows("PRAGMA user_version")
    return int(version)
