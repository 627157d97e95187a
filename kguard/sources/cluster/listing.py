# SPDX-License-Identifier: Apache-2.0
"""How are all objects of one resource listed, in chunks and in spite of expiry?

Authority: https://kubernetes.io/docs/reference/using-api/api-concepts/#retrieving-large-results-sets-in-chunks
"""

from __future__ import annotations

from kguard.errors import ClusterError
from kguard.model.manifests import JsonObject, mapping, sequence, strings
from kguard.sources.cluster.connection import GONE, Connection, Refused
from kguard.sources.cluster.discovery import Resource

CHUNK = 500
RESTARTS = 3
MAX_OBJECTS = 2_000_000
"""Of one resource: more than the store of any API server holds."""
_DEFINITIONS = "customresourcedefinitions.apiextensions.k8s.io"
"""A hundred kilobytes of schema each."""
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def objects(connection: Connection, resource: Resource) -> list[JsonObject]:
    """Every object of a resource in all namespaces, with apiVersion and kind filled in.

    A list that expires under way (410) starts again, so that the answer is of one moment; after
    `RESTARTS` times the newer rest that the server offers is taken.

    Raises:
        Refused: the server does not allow or cannot answer the list.
        ClusterError: it cannot be reached, or the list does not end.
    """
    for _ in range(RESTARTS):
        try:
            return _whole(connection, resource, patient=False)
        except Refused as refusal:
            if refusal.code != GONE:
                raise
    return _whole(connection, resource, patient=True)


def version(connection: Connection, resource: Resource) -> str:
    """The version of a resource's list as it is now, from which on changes can be watched.

    Raises:
        Refused: the server does not allow the list.
        ClusterError: it cannot be reached.
    """
    page = connection.fetch(resource.path, [("limit", "1")])
    return strings(page.get("metadata")).get("resourceVersion", "")


def _whole(connection: Connection, resource: Resource, *, patient: bool) -> list[JsonObject]:
    found: list[JsonObject] = []
    token = ""
    while True:
        try:
            page = _page(connection, resource, token)
        except Refused as refusal:
            if not (patient and refusal.code == GONE and refusal.token not in ("", token)):
                raise
            token = refusal.token
            continue
        found += (tidy(mapping(item), resource) for item in sequence(page.get("items")))
        following = mapping(page.get("metadata")).get("continue")
        if not isinstance(following, str) or not following:
            return found
        if following == token or len(found) > MAX_OBJECTS:
            where = f"context {connection.context}"
            raise ClusterError(f"the list does not end after {len(found)} objects", where=where)
        token = following


def _page(connection: Connection, resource: Resource, token: str) -> JsonObject:
    query = [("limit", str(CHUNK))]
    if token:
        query.append(("continue", token))
    page = connection.fetch(resource.path, query)
    if "items" not in page:
        raise ClusterError("the answer is no list", where=f"context {connection.context}")
    return page


def tidy(item: JsonObject, resource: Resource) -> JsonObject:
    """Drop what nobody judges: field managers, the last applied text, schemas of definitions."""
    if resource.title == _DEFINITIONS:
        for entry in sequence(mapping(item.get("spec")).get("versions")):
            mapping(entry).pop("schema", None)
    metadata = mapping(item.get("metadata"))
    metadata.pop("managedFields", None)
    annotations = metadata.get("annotations")
    if isinstance(annotations, dict):
        annotations.pop(_LAST_APPLIED, None)
    return {**item, "apiVersion": resource.api_version, "kind": resource.kind}
