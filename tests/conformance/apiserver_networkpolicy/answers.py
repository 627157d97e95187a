# SPDX-License-Identifier: Apache-2.0
"""What did a Kubernetes 1.36.3 API server make of NetworkPolicies, and what do we?

`kubectl apply` with its defaults is compared: refused or not, and the meaning of what is stored.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import yaml

from kguard.inventory import build
from kguard.layers.network.semantics.networkpolicy import parse
from kguard.model.manifests import Collected, Manifest, SourceText
from tests.objects import manifests

Case = tuple[str, Any, Any]

NOT_OURS = {
    "ports-float-whole": "the YAML reader's business: `8e1` is a number for kubectl",
    "merge-key": "the YAML reader's business: kubectl refuses the field `<<`",
    "namespace-missing-in-cluster": "a manifest cannot tell whether its namespace exists",
    "wrong-kind-case": "another kind: no NetworkPolicy at all",
    "status-top": "a status is no part of what is read",
    "selector-null-value": "client-side apply drops the key, server-side apply keeps an empty one",
}


def cases(shared: Path) -> Iterator[Case]:
    """(id, recorded, ours): `refused`, or the policy that is in force."""
    path = shared / "conformance" / "apiserver-networkpolicy" / "networkpolicy.ndjson.gz"
    for case in map(json.loads, gzip.decompress(path.read_bytes()).splitlines()):
        if case["id"] in NOT_OURS:
            continue
        answer = case["client_default"]
        recorded = (
            _meaning(Manifest(answer["stored"][0], SourceText("", 0, 1, "")))
            if answer["accepted"]
            else "refused"
        )
        yield case["id"], recorded, _read(case["manifest"])


def _read(text: str) -> Any:
    try:
        found = manifests(text)
    except yaml.YAMLError:
        return "refused"
    return _meaning(found[0])


def _meaning(manifest: Manifest) -> Any:
    build(Collected(manifests=[manifest]))
    policy = parse(manifest)
    return "refused" if policy.problems else msgspec.to_builtins(policy)
