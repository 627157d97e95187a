# SPDX-License-Identifier: Apache-2.0
"""Does a history in PostgreSQL keep the password to itself, and say why it cannot be used?"""

from __future__ import annotations

import sys
from urllib.parse import quote

import pytest

from kguard import history
from kguard.errors import HistoryError, UsageError
from kguard.history import postgres as door
from tests.postgres import PASSWORD
from tests.unit.history.test_history import add, finding, shown

WRONG = "s3cr3t-w0rd"


@pytest.fixture
def server(postgres, monkeypatch):
    for name in ("PGPASSWORD", "PGPASSFILE", "PGSERVICE"):
        monkeypatch.delenv(name, raising=False)
    postgres.clear()
    return postgres


def refusal(address, *, create=True) -> str:
    """What a user sees of a history that cannot be opened."""
    with (
        pytest.raises((HistoryError, UsageError)) as error,
        history.connect(address, create=create),
    ):
        pass
    return f"{error.value} {error.value.hint}"


def opens(address) -> str:
    with history.connect(address, create=True) as database:
        return database.name


def test_the_password_comes_from_the_address_the_environment_or_a_file(
    server, monkeypatch, tmp_path
):
    shown = f"postgresql://127.0.0.1:{server.port}/kguard"
    given = server.remote.replace("kguard@", f"kguard:{quote(PASSWORD, safe='')}@")
    assert opens(given) == shown
    assert opens(f"{server.remote}?password={quote(PASSWORD, safe='')}") == shown
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    assert opens(server.remote) == shown
    monkeypatch.delenv("PGPASSWORD")
    escaped = PASSWORD.replace(":", "\\:")
    (tmp_path / "passes").write_text(f"127.0.0.1:*:kguard:kguard:{escaped}\n")
    (tmp_path / "passes").chmod(0o600)
    monkeypatch.setenv("PGPASSFILE", str(tmp_path / "passes"))
    assert opens(server.remote) == shown


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("kguard@", f"kguard:{WRONG}@"), "password authentication failed"),
        (("", f"?password={WRONG}"), "password authentication failed"),
        (("kguard@127.0.0.1:", f"kguard:{WRONG}@127.0.0.1:1"), "cannot be reached"),
        (("kguard@", f"kguard:{WRONG}/{WRONG}@"), "characters to encode"),
        (("kguard@", f"kguard:{WRONG}@{WRONG}@"), "characters to encode"),
        (("kguard@", f"kguard:{WRONG}%@"), "makes no sense"),
        (("", f"?pasword={WRONG}"), "makes no sense"),
        (("kguard@127.0.0.1:", f"kguard:{WRONG}"), "a port that is no number"),
    ],
)
def test_no_message_tells_the_password(server, change, said):
    old, new = change
    text = refusal(server.remote.replace(old, new) if old else server.remote + new)
    assert said in text
    assert WRONG not in text


def test_a_server_without_a_history_has_none(server):
    assert "there is no history" in refusal(server.address, create=False)
    opens(server.address)
    with history.opened(server.address) as database:
        assert history.audits(database) == []


def test_a_history_of_a_later_kguard_is_refused(server):
    with history.connect(server.address, create=True) as database:
        database.rows("UPDATE shape SET version = 99")
    assert "later version" in refusal(server.address)


def test_a_role_that_may_only_use_the_schema_is_enough(server):
    import psycopg

    with psycopg.connect(server.address, autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS auditor")
        connection.execute("CREATE ROLE auditor LOGIN")
        connection.execute("CREATE SCHEMA kguard AUTHORIZATION auditor")
    with history.connect(server.address.replace("kguard@", "auditor@"), create=True) as store:
        assert add(store, 1, finding("a")).opened == ("a",)


def test_a_writer_that_never_ends_is_named(server, monkeypatch):
    monkeypatch.setattr(door, "WAIT_SECONDS", 0.0)
    monkeypatch.setitem(door.SETTINGS, "lock_timeout", "1ms")
    with (
        history.connect(server.address, create=True) as one,
        history.connect(server.address) as other,
        one.transaction("prod"),
        pytest.raises(HistoryError, match="another runner has been writing"),
    ):
        add(other, 1, finding("a"))


def test_a_server_that_goes_away_is_a_sentence(server):
    with history.connect(server.address, create=True) as database:
        ((number,),) = database.rows("SELECT pg_backend_pid()")
        with history.connect(server.address) as other:
            other.rows("SELECT pg_terminate_backend(?)", (number,))
        with pytest.raises(HistoryError, match="cannot be used: terminating connection"):
            database.rows("SELECT 1")


def test_names_with_nul_are_kept_without(server):
    with history.connect(server.address, create=True) as store:
        add(store, 1, finding("a", message="any pod can open \0"))
        assert shown(store)["a"].message == "any pod can open \ufffd"


def test_a_reader_sees_one_state(server):
    with history.connect(server.address, create=True) as writer:
        add(writer, 1, finding("a"))
        with history.opened(server.address) as reader:
            assert len(history.audits(reader)) == 1
            add(writer, 2)
            assert shown(reader).keys() == {"a"}


def test_the_missing_client_is_a_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    text = refusal("postgresql://localhost/kguard")
    assert text.endswith("the package psycopg pip install 'kguard-scanner[postgres]'")
