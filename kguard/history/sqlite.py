# SPDX-License-Identifier: Apache-2.0
"""How is a history kept in one file? The only module that knows SQLite."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kguard.errors import HistoryError, reason
from kguard.history.database import WAIT_SECONDS

_MODE = 0o600
"""A history tells what is wrong with a cluster: its owner reads it."""


class SQLite:
    """A history in a file. Its writers follow one another, whatever they write."""

    def __init__(self, connection: sqlite3.Connection, name: str) -> None:
        self._connection = connection
        self.name = name

    def rows(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The answer to a query."""
        with self._failing():
            return self._connection.execute(statement, values).fetchall()

    def many(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run a statement once for each row."""
        with self._failing():
            self._connection.executemany(statement, rows)

    @contextmanager
    def transaction(self, subject: str = "") -> Iterator[None]:
        """Everything inside happens, or nothing; one writer at a time."""
        with self._between("BEGIN IMMEDIATE"):
            yield

    @contextmanager
    def reading(self) -> Iterator[None]:
        """All queries inside see the same state."""
        with self._between("BEGIN"):
            yield

    @contextmanager
    def _between(self, begin: str) -> Iterator[None]:
        self.rows(begin)
        try:
            yield
            self.rows("COMMIT")
        except BaseException:
            if self._connection.in_transaction:  # a full disk has ended it already
                self.rows("ROLLBACK")
            raise

    @contextmanager
    def _failing(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise HistoryError(f"the history cannot be used: {error}", where=self.name) from None

    def version(self) -> int:
        """How many migrations were applied."""
        ((version,),) = self.rows("PRAGMA user_version")
        return int(version)

    def migrate(self, statements: Sequence[str], version: int) -> None:
        """Change the shape."""
        for statement in statements:
            self.rows(statement)
        self.rows(f"PRAGMA user_version = {version}")

    def close(self) -> None:
        """End the connection."""
        self._connection.close()


def connect(name: str, *, create: bool) -> SQLite:
    """The history in a file.

    Raises:
        HistoryError: the file is not there, cannot be opened, or is no history.
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
    return SQLite(connection, name)
