# SPDX-License-Identifier: Apache-2.0
"""Which key does a node stand for?"""

from __future__ import annotations

from kguard.sources.yaml.documents import ReadError
from kguard.sources.yaml.nodes import Kind, Node
from kguard.sources.yaml.scalars import TYPE_PREFIX, Scalar, key_text, resolve, resolve_tagged

_MERGE_KEY = "<<"
_MERGE_TAG = TYPE_PREFIX + "merge"


def is_merge(node: Node) -> bool:
    """Whether the key merges another mapping into its own."""
    return (
        node.kind is Kind.SCALAR
        and node.value == _MERGE_KEY
        and (node.plain or node.tag == _MERGE_TAG)
    )


def scalar_value(node: Node) -> Scalar:
    """The typed value of a scalar node.

    Raises:
        ReadError: its text does not fit its tag.
    """
    if node.tag is not None:
        return resolve_tagged(node.tag, node.value)
    return resolve(node.value) if node.plain else node.value


def member_key(node: Node) -> str:
    """The key of a mapping's member as text, for pointers: never an error."""
    while node.kind is Kind.ALIAS:
        node = node.children[0]
    if node.kind is not Kind.SCALAR:
        return ""
    try:
        return key_text(scalar_value(node)) or node.value
    except ReadError:
        return node.value
