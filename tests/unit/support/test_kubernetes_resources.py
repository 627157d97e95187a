# SPDX-License-Identifier: Apache-2.0
"""Does the table of served resources hold what the discovery documents say?"""

from __future__ import annotations

import pytest

from kguard.layers.audit.semantics.served import MODULES
from support.generators.kubernetes_resources import RELEASES, Entry, Release, entries, table

EVERY = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]


def _document(version, **resources):
    listed = [{"name": n, "namespaced": True, "verbs": v} for n, v in resources.items()]
    return {"kind": "APIResourceList", "groupVersion": version, "resources": listed}


def _release(minor, *documents):
    return Release(f"v{minor}.1", "h1:x", frozenset(entries(documents)))


def test_the_versions_of_a_group_are_taken_together():
    documents = [_document("apps/v1", x=["get"]), _document("apps/v1beta1", x=["create"])]
    groups = {"kind": "APIGroupList", "groups": []}
    assert list(entries([*documents, groups])) == [Entry("apps", "x", True, "create,get")]


def test_only_what_some_minors_lack_has_a_span():
    releases = [
        _release("1.1", _document("v1", pods=EVERY)),
        _release("1.2", _document("v1", pods=EVERY), _document("apps/v1", sets=["get"])),
        _release("1.3", _document("v1", pods=EVERY), _document("apps/v1", sets=["get"])),
    ]
    assert list(table(releases)) == ["core", " n pods all", "apps", " n sets get 1.2-1.3"]


def test_what_comes_back_is_no_span():
    one, none = _release("1.1", _document("v1", x=["get"])), _release("1.2")
    with pytest.raises(ValueError, match="gone and come back"):
        list(table([one, none, one._replace(version="v1.3.0")]))


def test_the_table_is_of_these_releases():
    told = [source.split()[1] for source in MODULES.values()]
    assert told == list(RELEASES)
