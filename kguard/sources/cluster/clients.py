# SPDX-License-Identifier: Apache-2.0
"""How does a context of the user become a client of the official library?

Authority: kubeconfig, exec plugins, proxies and private authorities are the official client's. It
is told neither to repeat a request, which is ours to decide, nor to follow a redirection, because
an API server sends none and the token would go along.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from kguard.errors import ClusterError, UsageError
from kguard.sources.cluster import logging_in
from kguard.sources.kubeconfig import DEFAULT

IN_CLUSTER = "in-cluster"
"""The name under which a pod reaches its own cluster by its service account."""


def client_of(context: str, kubeconfig: str = "") -> Any:
    """A client for a context of a kubeconfig, or for a pod's own cluster.

    Args:
        context: the name of the context, or `in-cluster`; empty for the current one.
        kubeconfig: the file; empty for the user's own.

    Raises:
        UsageError: there is no such context, or the kubeconfig cannot be used.
        ClusterError: the program that the kubeconfig names for logging in fails.
    """
    library = _library()
    config = library.config
    known, context = contexts(kubeconfig), context or current(kubeconfig)
    if context not in (*known, IN_CLUSTER):
        nowhere = "there is no kubeconfig: set KUBECONFIG, or use --snapshot FILE"
        hint = f"the kubeconfig knows {', '.join(known)}" if known else nowhere
        raise UsageError("there is no such context", where=f"context {context}", hint=hint)
    try:
        if context not in known:
            return _client(library, config.load_incluster_config)
        with _complaints() as said:
            place = {"config_file": _place(kubeconfig), "context": context}
            client = _client(library, config.load_kube_config, **place)
    except config.ConfigException as error:
        raise UsageError(str(error).splitlines()[0], where=f"context {context}") from error
    if said:
        raise ClusterError(
            f"the program for logging in gave no credentials ({said[0]})",
            where=f"context {context}",
            hint="run what `users.exec` of the kubeconfig says by hand",
        )
    return client


def _client(library: Any, load: Callable[..., None], **options: str | None) -> Any:
    settings = library.client.Configuration()
    load(client_configuration=settings, **options)
    settings.retries = False
    return library.client.ApiClient(configuration=settings)


@contextmanager
def _complaints() -> Iterator[list[str]]:
    """The first line of each error that the library logs instead of raising it.

    What follows in that line is what the program wrote to stderr, which may be anything.
    """
    said: list[str] = []

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.levelno >= logging.ERROR:
                said.append(record.getMessage().splitlines()[0].partition(". ")[0])

    handler = Handler()
    root = logging.getLogger()
    root.addHandler(handler)
    try:
        yield said
    finally:
        root.removeHandler(handler)


def contexts(kubeconfig: str = "") -> list[str]:
    """The names of all contexts of a kubeconfig (the user's own), sorted; none without one."""
    return sorted(entry["name"] for entry in _entries(kubeconfig)[0])


def current(kubeconfig: str = "") -> str:
    """The name of the current context of a kubeconfig; empty where there is none."""
    chosen = _entries(kubeconfig)[1]
    return str(chosen["name"]) if chosen else ""


def _entries(kubeconfig: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """All contexts of a kubeconfig, and the current one; none where there is no kubeconfig."""
    config = _library().config
    try:
        known, chosen = config.list_kube_config_contexts(_place(kubeconfig))
    except config.ConfigException:
        return [], {}
    return known, chosen


def _place(kubeconfig: str) -> str:
    """Where the kubeconfig lies, as kubectl looks for it.

    The client looks once, when it is imported, and takes an empty variable for a file's name.
    """
    return kubeconfig or os.environ.get("KUBECONFIG") or DEFAULT


def _library() -> Any:
    """The official client: half a second and 126 MB that only live scans need."""
    try:
        import kubernetes
    except ImportError as error:
        raise UsageError(
            "live clusters need the package kubernetes",
            hint="pip install 'kguard-scanner[cluster]'",
        ) from error
    logging_in.limit()
    return kubernetes
