# SPDX-License-Identifier: Apache-2.0
"""How does a live cluster become manifests, and what of it may not be read?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from kguard.errors import ClusterError
from kguard.model.manifests import (
    Collected,
    JsonObject,
    Manifest,
    SourceText,
    Unreadable,
    mapping,
    strings,
)
from kguard.sources.cluster.clients import contexts
from kguard.sources.cluster.connection import (
    FORBIDDEN,
    UNAUTHORIZED,
    Connection,
    Refused,
    connect,
)
from kguard.sources.cluster.discovery import Resource, discover, served_page
from kguard.sources.cluster.falco_metrics import falco_metrics
from kguard.sources.cluster.kinds import CONFIDENTIAL
from kguard.sources.cluster.listing import objects
from kguard.sources.cluster.metrics import audit_counters
from kguard.sources.cluster.secrets import login_of, public_only

PARALLEL_LISTS = 8
_UNKNOWN_USER = "the API server does not know the user"

__all__ = ["contexts", "read"]


def read(
    context: str,
    *,
    kubeconfig: str = "",
    read_secrets: bool = False,
    pull_secrets: bool = False,
    ask_falco: bool = False,
) -> Collected:
    """Everything that the layers need of one cluster.

    Args:
        context: name of a kubeconfig context, or `in-cluster` for a pod's own cluster.
        kubeconfig: the file with the context; empty for the user's own.
        read_secrets: list Secrets as well; of them only certificates are kept.
        pull_secrets: keep the logins of secrets for pulling images, too.
        ask_falco: ask the pods of Falco for their metrics, through the API server.

    Returns:
        Manifests whose text names the cluster instead of a file. A resource that may not be
        listed is unreadable, with the right that is missing.

    Raises:
        UsageError: there is no such context.
        ClusterError: the server cannot be reached or does not know the user. One that fails later
            leaves what it did not tell unreadable.
    """
    connection = connect(context, kubeconfig)
    try:
        discovered = discover(connection, read_secrets=read_secrets)
    except Refused as refusal:
        raise _turned_away(context, refusal) from refusal
    collected = Collected(unreadable=discovered.broken)
    with ThreadPoolExecutor(PARALLEL_LISTS) as pool:
        logins = collected.pull_secrets if pull_secrets else None
        answers = list(pool.map(partial(_listed, connection, logins), discovered.resources))
    for found, unreadable in answers:
        collected.manifests += found
        collected.unreadable += unreadable
    if discovered.served:
        collected.files.append(served_page(discovered, context))
    pages = [audit_counters(connection)]
    pages += falco_metrics(connection, collected.manifests) if ask_falco else ()
    for page in pages:
        if isinstance(page, Unreadable):
            collected.unreadable.append(page)
        else:
            collected.files.append(page)
    collected.versions.update(_version(connection))
    return collected


def _listed(
    connection: Connection, logins: dict[str, list[str]] | None, resource: Resource
) -> tuple[list[Manifest], list[Unreadable]]:
    try:
        found = objects(connection, resource)
    except (Refused, ClusterError) as error:
        return [], [_unreadable(connection, resource, error)]
    if logins is not None and (resource.group, resource.plural) == CONFIDENTIAL:
        logins.update(_logins(found))
    return [manifest_of(item, connection.context, index) for index, item in enumerate(found)], []


def _logins(secrets: Iterable[JsonObject]) -> Iterator[tuple[str, list[str]]]:
    for item in secrets:
        fields = strings(item.get("metadata"))
        if login := login_of(item):
            yield f"{fields.get('namespace', '')}/{fields.get('name', '')}", login


def manifest_of(item: JsonObject, context: str, index: int) -> Manifest:
    """A listed object as a manifest; of a Secret only its certificates."""
    if (item.get("apiVersion"), item.get("kind")) == ("v1", "Secret"):
        item = public_only(item)
    return Manifest(item, SourceText(file="", index=index, line=0, text="", cluster=context))


def _unreadable(
    connection: Connection, resource: Resource, error: Refused | ClusterError
) -> Unreadable:
    """What is unknown without a resource; the verb and the resource stand in every reason."""
    code = error.code if isinstance(error, Refused) else 0
    reason = {
        FORBIDDEN: f"the verb `list` on `{resource.title}` is not granted",
        UNAUTHORIZED: f"`list` on `{resource.title}`: {_UNKNOWN_USER}",
    }
    return Unreadable(
        source=f"context {connection.context}",
        reason=reason.get(code, f"`list` on `{resource.title}`: {error.message}"),
        feeds=(resource.feeds,),
    )


def _turned_away(context: str, refusal: Refused) -> ClusterError:
    unknown = refusal.code == UNAUTHORIZED
    return ClusterError(
        _UNKNOWN_USER if unknown else refusal.message,
        where=f"context {context}",
        hint="renew the credentials of the context" if unknown else "",
    )


def _version(connection: Connection) -> dict[str, str]:
    """The server's version as it tells it; nothing where it does not."""
    try:
        told = strings(mapping(connection.fetch("/version"))).get("gitVersion", "")
    except (Refused, ClusterError):
        return {}
    return {"kubernetes": told.removeprefix("v")} if told else {}
