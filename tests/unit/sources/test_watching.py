# SPDX-License-Identifier: Apache-2.0
"""Is what is known of a cluster the same as what it holds, whatever befalls the watches?"""

from __future__ import annotations

import json

import pytest

from kguard.errors import ClusterError
from kguard.serve.views import View
from kguard.sources.cluster import watching
from kguard.sources.cluster.connection import GONE, Refused
from kguard.sources.cluster.discovery import Resource
from kguard.sources.cluster.watching import Followed, Follower, watch

PODS = Resource("", "v1", "pods", "Pod")


def pod(name, version):
    metadata = {"name": name, "namespace": "shop", "resourceVersion": str(version)}
    return {"metadata": metadata, "spec": {}}


def event(kind, item):
    return json.dumps({"type": kind, "object": item}).encode()


EXPIRED = event("ERROR", {"code": GONE, "message": "too old resource version"})


class Scripted:
    """A connection whose watches tell what the script says; the last one ends the follower."""

    context = "test"

    def __init__(self, *watches):
        self.watches, self.asked, self.listed = list(watches), [], []
        self.follower = None

    def lines(self, path, query, silence):
        self.asked.append(dict(query)["resourceVersion"])
        script = self.watches.pop(0)
        if not self.watches:
            self.follower.stop()
        if isinstance(script, Exception):
            raise script
        yield b""
        yield from script

    def fetch(self, path, query=(), accept=""):
        items = self.listed
        return {"metadata": {"resourceVersion": "90"}, "items": [dict(item) for item in items]}


@pytest.fixture
def followed(monkeypatch):
    """``followed(connection)`` is what is known in the end, and what was said."""
    monkeypatch.setattr(watching, "FIRST_PAUSE", 0.001)
    monkeypatch.setattr(watching, "LONGEST_PAUSE", 0.002)

    def follow(connection, since="5"):
        said = []
        view = View()
        follower = Follower(Followed("test"), view, said.append)
        connection.follower = follower
        follower._watch(connection, PODS, since, 0)
        return sorted(m.name for m in view.whole().collected().manifests), said, follower

    return follow


def test_changes_arrive_and_a_watch_goes_on_where_it_was(followed):
    connection = Scripted(
        [event("ADDED", pod("a", 6)), event("ADDED", pod("b", 7))],
        [event("BOOKMARK", pod("", 40)), event("DELETED", pod("a", 41))],
        [event("MODIFIED", pod("c", 50))],
    )
    names, said, follower = followed(connection)
    assert names == ["b", "c"]
    assert connection.asked == ["5", "7", "41"]
    assert said == []
    assert follower.lag() == 0.0


def test_a_bookmark_alone_moves_the_version(followed):
    connection = Scripted([event("BOOKMARK", pod("", 77))], [])
    followed(connection)
    assert connection.asked == ["5", "77"]


@pytest.mark.parametrize("expired", [[EXPIRED], Refused(GONE, "expired")])
def test_a_forgotten_version_lists_anew_and_drops_what_is_gone(followed, expired):
    connection = Scripted([event("ADDED", pod("old", 6))], expired, [event("ADDED", pod("c", 91))])
    connection.listed = [pod("a", 80), pod("b", 81)]
    names, _, _ = followed(connection)
    assert names == ["a", "b", "c"]
    assert connection.asked == ["5", "6", "90"]


def test_a_broken_connection_is_told_and_forgets_nothing(followed):
    connection = Scripted(
        [event("ADDED", pod("a", 6))], ClusterError("the API server does not answer"), []
    )
    names, said, _ = followed(connection)
    assert names == ["a"]
    assert said == ["pods: the API server does not answer"]
    assert connection.asked == ["5", "6", "6"]


def test_a_watch_that_stays_broken_has_an_age(followed):
    connection = Scripted(ClusterError("no"), ClusterError("no"))
    _, _, follower = followed(connection)
    assert follower.lag() > 0.0


def test_a_watch_that_a_bug_ends_has_an_age(followed, monkeypatch):
    monkeypatch.setattr(View, "put", lambda *_: 1 / 0)
    connection = Scripted([event("ADDED", pod("a", 6))], [], [])
    _, (said,), follower = followed(connection)
    assert said == "pods: this is a bug in kguard: ZeroDivisionError: division by zero"
    assert follower.lag() > 0.0
    assert connection.asked == ["5"]


def test_a_refusal_is_told(followed):
    _, said, follower = followed(Scripted(Refused(403, "pods is forbidden"), Refused(403, "no")))
    assert said == ["pods: pods is forbidden", "pods: no"]
    assert follower.lag() > 0.0


@pytest.mark.parametrize("line", [b"{", b"[1", b"\xff"])
def test_an_event_that_is_no_json_breaks_the_watch(line):
    connection = Scripted([line], [])
    with pytest.raises(ClusterError):
        list(watch(connection, PODS, "1"))
