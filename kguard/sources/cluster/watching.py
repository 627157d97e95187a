# SPDX-License-Identifier: Apache-2.0
"""What changes in a cluster after it was read?

One watch for each resource, from the version of the list on. A watch that ends goes on where it
was; one whose version is forgotten (410) lists its resource anew. What the server told last is
never forgotten because a connection broke: the age of what is known tells how long it is silent.

Authority: https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from threading import Event, Lock, Thread
from typing import Any, Protocol

import msgspec
import orjson

from kguard.errors import ClusterError, KguardError
from kguard.model.manifests import Collected, JsonObject, Manifest, mapping, strings
from kguard.sources.cluster.connection import GONE, Connection, Refused, connect
from kguard.sources.cluster.discovery import Resource, discover
from kguard.sources.cluster.listing import objects, tidy, version
from kguard.sources.cluster.read import manifest_of, read

WATCH_SECONDS = (50, 80)
"""How long one watch lasts, at random, so that they do not all begin anew at once."""
SILENCE_SECONDS = 100.0
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
DISCOVER_SECONDS = 60.0
"""Between two looks at what the server serves."""


class Known(Protocol):
    """Who is told; the manifests have no identity yet."""

    def replace(self, collected: Collected) -> None:
        """Everything was read anew."""
        ...

    def put(self, manifest: Manifest) -> None:
        """An object is new or otherwise than it was."""
        ...

    def drop(self, manifest: Manifest) -> None:
        """An object is there no longer."""
        ...

    def relisted(self, kind: str, group: str, manifests: list[Manifest]) -> None:
        """All objects of a kind, as they are now."""
        ...


class Followed(msgspec.Struct, frozen=True):
    """Which cluster is followed."""

    context: str
    kubeconfig: str = ""
    read_secrets: bool = False


class Follower:
    """Keeps what is known of a cluster up to date, in threads of its own.

    Args:
        followed: which cluster.
        known: who is told what it holds and what changes.
        say: told what stands in the way.
    """

    def __init__(self, followed: Followed, known: Known, say: Callable[[str], None]) -> None:
        self._followed, self._known, self._say = followed, known, say
        self._ended = Event()
        self._lock = Lock()
        self._silent: dict[Resource, float] = {}
        """Since when a resource's watch is not connected."""
        self._generation = 0

    def start(self) -> None:
        """Begin to read and to follow.

        Raises:
            UsageError: there is no such context.
        """
        connect(self._followed.context, self._followed.kubeconfig)
        Thread(target=self._run, name="follow", daemon=True).start()

    def stop(self) -> None:
        """Follow no longer."""
        self._ended.set()

    def lag(self) -> float:
        """Seconds since the watch that is silent longest broke; 0 where all are connected."""
        with self._lock:
            return max((time.monotonic() - s for s in self._silent.values()), default=0.0)

    def _run(self) -> None:
        pauses = _pauses()
        while not self._ended.is_set():
            try:
                resources = self._begin()
                pauses = _pauses()
                self._await_others(resources)
            except (KguardError, Refused) as error:
                self._say(str(error))
                self._ended.wait(next(pauses))
            except Exception as error:  # noqa: BLE001 - a thread that ends tells nobody
                self._say(_bug(error))
                self._ended.wait(LONGEST_PAUSE)

    def _begin(self) -> list[Resource]:
        """Read everything, and watch every resource from then on."""
        connection = connect(self._followed.context, self._followed.kubeconfig)
        resources = self._served(connection)
        versions = {resource: self._version(connection, resource) for resource in resources}
        self._known.replace(
            read(
                self._followed.context,
                kubeconfig=self._followed.kubeconfig,
                read_secrets=self._followed.read_secrets,
            )
        )
        with self._lock:
            self._generation += 1
            self._silent.clear()
        for resource, since in versions.items():
            if since:
                work = (connection, resource, since, self._generation)
                Thread(target=self._watch, args=work, name=resource.title, daemon=True).start()
        return resources

    def _served(self, connection: Connection) -> list[Resource]:
        return discover(connection, read_secrets=self._followed.read_secrets).resources

    def _version(self, connection: Connection, resource: Resource) -> str:
        try:
            return version(connection, resource)
        except Refused:  # the reader names what may not be listed
            return ""

    def _await_others(self, resources: list[Resource]) -> None:
        """Return once the server serves something else than it did."""
        while not self._ended.wait(DISCOVER_SECONDS):
            connection = connect(self._followed.context, self._followed.kubeconfig)
            if self._served(connection) != resources:
                return

    def _watch(
        self, connection: Connection, resource: Resource, since: str, generation: int
    ) -> None:
        pauses = _pauses()
        while not self._ended.is_set() and generation == self._generation:
            try:
                for event in watch(connection, resource, since):
                    if generation != self._generation:
                        return
                    with self._lock:
                        self._silent.pop(resource, None)
                    pauses = _pauses()
                    since = event.version or since
                    self._tell(event)
                self._ended.wait(FIRST_PAUSE)  # a server may end each watch at once
            except Refused as refusal:
                self._broken(resource)
                if refusal.code == GONE:
                    since = self._relist(connection, resource) or since
                else:
                    self._say(f"{resource.title}: {refusal.message}")
                    self._ended.wait(LONGEST_PAUSE)
            except ClusterError as error:
                self._broken(resource)
                self._say(f"{resource.title}: {error.message}")
                self._ended.wait(next(pauses))
            except Exception as error:  # noqa: BLE001 - its age tells that nothing comes any more
                self._broken(resource)
                self._say(f"{resource.title}: {_bug(error)}")
                return

    def _broken(self, resource: Resource) -> None:
        with self._lock:
            self._silent.setdefault(resource, time.monotonic())

    def _tell(self, event: Change) -> None:
        manifest = manifest_of(event.object, self._followed.context, 0)
        if event.kind == "DELETED":
            self._known.drop(manifest)
        elif event.kind in ("ADDED", "MODIFIED"):
            self._known.put(manifest)

    def _relist(self, connection: Connection, resource: Resource) -> str:
        """List a resource anew; the version of the list, empty where that failed."""
        try:
            since = version(connection, resource)
            found = [
                manifest_of(item, self._followed.context, 0)
                for item in objects(connection, resource)
            ]
        except (Refused, ClusterError) as error:
            self._say(f"{resource.title}: {error}")
            self._ended.wait(FIRST_PAUSE)
            return ""
        self._known.relisted(resource.kind, resource.group, found)
        return since


class Change(msgspec.Struct, frozen=True):
    """One event of a watch."""

    kind: str
    """ADDED, MODIFIED, DELETED or BOOKMARK."""
    object: JsonObject

    @property
    def version(self) -> str:
        """From which on the watch may go on."""
        return strings(self.object.get("metadata")).get("resourceVersion", "")


def watch(connection: Connection, resource: Resource, since: str) -> Iterator[Change]:
    """The changes of one resource, until the server ends the watch.

    The first event is a bookmark of our own, once the server has agreed to the watch.

    Raises:
        Refused: the server refuses, or the version is forgotten (410).
        ClusterError: the connection broke.
    """
    query = [
        ("watch", "1"),
        ("resourceVersion", since),
        ("allowWatchBookmarks", "true"),
        ("timeoutSeconds", str(random.randint(*WATCH_SECONDS))),  # noqa: S311 - no secret
    ]
    for line in connection.lines(resource.path, query, SILENCE_SECONDS):
        event = _decoded(line, connection.context)
        kind, item = event.get("type", "BOOKMARK"), mapping(event.get("object"))
        if kind == "ERROR":
            code = item.get("code")
            raise Refused(code if isinstance(code, int) else GONE, str(item.get("message", "")))
        yield Change(str(kind), tidy(item, resource))


def _decoded(line: bytes, context: str) -> dict[str, Any]:
    try:
        return mapping(orjson.loads(line)) if line.strip() else {}
    except orjson.JSONDecodeError:
        raise ClusterError("an event is no JSON", where=f"context {context}") from None


def _bug(error: Exception) -> str:
    return f"this is a bug in kguard: {type(error).__name__}: {error}"


def _pauses() -> Iterator[float]:
    """Growing pauses in seconds, each somewhat at random."""
    pause = FIRST_PAUSE
    while True:
        yield pause * random.uniform(0.5, 1.0)  # noqa: S311 - no secret
        pause = min(2 * pause, LONGEST_PAUSE)
