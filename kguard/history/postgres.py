# SPDX-License-Identifier: Apache-2.0
"""How do many runners share one history? The only module that knows PostgreSQL.

The tables lie in the schema `kguard` of the database that the address names. Writers of different
subjects do not wait for one another: each holds an advisory lock of its subject and shares one of
the whole history, which migrations and pruning hold alone.

Authority: libpq's connection strings and environment (PGPASSWORD, PGPASSFILE, PGSSLMODE ...),
https://www.postgresql.org/docs/current/libpq-connect.html; advisory locks and `lock_timeout`,
https://www.postgresql.org/docs/current/explicit-locking.html#ADVISORY-LOCKS.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from kguard.errors import HistoryError, UsageError
from kguard.history.database import WAIT_SECONDS

if TYPE_CHECKING:
    import psycopg

SCHEMA = "kguard"
CONNECT_SECONDS = 10
SETTINGS = {
    "search_path": SCHEMA,
    "lock_timeout": f"{WAIT_SECONDS:.0f}s",
    "idle_in_transaction_session_timeout": "5min",  # of a runner that went silent
}
"""What each connection asks of the server."""
_WORDS = {"TEXT": 'TEXT COLLATE "C"', "BLOB": "BYTEA"}
"""Texts are compared byte by byte, as SQLite does, whatever the language of the server."""
_TYPES = re.compile(r"\b(TEXT|BLOB)\b")
_UNSAFE = re.compile(r"[/?#\[\]@\s]")


class Postgres:
    """A history in a PostgreSQL server."""

    def __init__(self, connection: psycopg.Connection[Any], name: str) -> None:
        self._connection = connection
        self.name = name

    def rows(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The answer to a query."""
        with self._failing():
            found = self._connection.execute(_dialect(statement), _sendable(values) or None)
            return found.fetchall() if found.description else []

    def many(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run a statement once for each row."""
        with self._failing(), self._connection.cursor() as cursor:
            cursor.executemany(_dialect(statement), map(_sendable, rows))

    @contextmanager
    def transaction(self, subject: str = "") -> Iterator[None]:
        """Everything inside happens, or nothing; one writer of a subject at a time."""
        with self._failing(), self._connection.transaction():
            if subject:
                self.rows("SELECT pg_advisory_xact_lock_shared(?)", (_lock(""),))
            self.rows("SELECT pg_advisory_xact_lock(?)", (_lock(subject),))
            yield

    @contextmanager
    def reading(self) -> Iterator[None]:
        """All queries inside see the same state."""
        with self._failing(), self._connection.transaction():
            self.rows("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            yield

    @contextmanager
    def _failing(self) -> Iterator[None]:
        import psycopg

        try:
            yield
        except psycopg.errors.LockNotAvailable:
            text = f"another runner has been writing for {WAIT_SECONDS:.0f} seconds"
            raise HistoryError(text, where=self.name) from None
        except psycopg.Error as error:
            text = f"the history cannot be used: {_first_line(error)}"
            raise HistoryError(text, where=self.name) from None

    def version(self) -> int:
        """How many migrations were applied."""
        # Asked of the tables: lookups by name may be answered from before the lock was granted.
        there = "SELECT 1 FROM pg_tables WHERE schemaname = ? AND tablename = 'shape'"
        if not self.rows(there, (SCHEMA,)):
            return 0
        ((version,),) = self.rows("SELECT version FROM shape")
        return int(version)

    def migrate(self, statements: Sequence[str], version: int) -> None:
        """Change the shape."""
        there = self.rows("SELECT 1 FROM pg_namespace WHERE nspname = ?", (SCHEMA,))
        if not there:  # it may have been made for a role that must not make one
            self.rows(f"CREATE SCHEMA {SCHEMA}")
        self.rows("CREATE TABLE IF NOT EXISTS shape (version INTEGER NOT NULL)")
        for statement in statements:
            self.rows(_TYPES.sub(lambda found: _WORDS[found[0]], statement))
        self.rows("DELETE FROM shape")
        self.rows("INSERT INTO shape VALUES (?)", (version,))

    def close(self) -> None:
        """End the connection."""
        self._connection.close()


def connect(address: str, *, create: bool) -> Postgres:
    """The history in the database of an address.

    Args:
        address: `postgresql://USER@HOST/DATABASE`, as libpq takes it.
        create: whether a history that is not there may be begun.

    Raises:
        UsageError: the address makes no sense, or the client is not installed.
        HistoryError: the server cannot be reached, or holds no history.
    """
    psycopg = _library()
    told = parts(address)
    name = _shown(told)
    told.setdefault("connect_timeout", CONNECT_SECONDS)
    told.setdefault("application_name", "kguard")
    try:
        connection = psycopg.connect(**told, autocommit=True)
    except psycopg.Error as error:
        text = f"the history cannot be reached: {_first_line(error)}"
        raise HistoryError(text, where=name) from None
    database = Postgres(connection, name)
    for key, value in SETTINGS.items():
        database.rows("SELECT set_config(?, ?, false)", (key, value))
    if not create and not database.version():
        database.close()
        hint = f"`kguard scan ... --history {name}` begins one"
        raise HistoryError("there is no history", where=name, hint=hint)
    return database


def parts(address: str) -> dict[str, Any]:
    """What an address says. No message quotes it: it may hold a password.

    Raises:
        UsageError: it makes no sense, or the client is not installed.
    """
    psycopg = _library()
    user, at, _ = address.partition("://")[2].rpartition("@")
    hint = "postgresql://USER@HOST:PORT/DATABASE, with %40 for @; the password in PGPASSWORD"
    try:
        if at and _UNSAFE.search(user):
            raise UsageError("the address of the history has characters to encode", hint=hint)
        told = dict(psycopg.conninfo.conninfo_to_dict(address))
    except psycopg.Error:
        raise UsageError("the address of the history makes no sense", hint=hint) from None
    if not str(told.get("port", "1")).replace(",", "").isdigit():  # USER:PASSWORD without a host
        raise UsageError("the address of the history has a port that is no number", hint=hint)
    return told


def _shown(told: dict[str, Any]) -> str:
    """The address without user, password and options."""
    host = str(told.get("host") or "")
    port = f":{told['port']}" if told.get("port") else ""
    return f"postgresql://{'' if host.startswith('/') else host}{port}/{told.get('dbname') or ''}"


def _library() -> Any:
    try:
        import psycopg
    except ImportError:
        raise UsageError(
            "a history in PostgreSQL needs the package psycopg",
            hint="pip install 'kguard-scanner[postgres]'",
        ) from None
    return psycopg


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def _dialect(statement: str) -> bytes:
    return statement.replace("?", "%s").encode()


def _sendable(values: Sequence[Any]) -> tuple[Any, ...]:
    """The values; PostgreSQL's texts hold no NUL, names of hostile objects may."""
    return tuple(v.replace("\0", "\ufffd") if isinstance(v, str) else v for v in values)


def _lock(subject: str) -> int:
    """The number of an advisory lock: of the history for the empty name, else of a subject."""
    digest = hashlib.sha256(f"kguard history\0{subject}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)
