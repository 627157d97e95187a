# SPDX-License-Identifier: Apache-2.0
"""Which Knative Services does the webhook refuse?

Authority: knative/serving pkg/apis/serving/v1 (revision_validation.go: names of revisions begin
with the name of the Service; route_validation.go: traffic) and the KafkaSource CRD.
"""

from __future__ import annotations

from collections.abc import Iterator

from kguard.layers.manifests.semantics.shape import Problem
from kguard.model.manifests import JsonObject, mapping, sequence

WHOLE = 100


def service(value: JsonObject) -> Iterator[Problem]:
    """What the webhook refuses in a Knative Service."""
    name = mapping(value.get("metadata")).get("name")
    spec = mapping(value.get("spec"))
    revision = mapping(mapping(spec.get("template")).get("metadata")).get("name")
    if isinstance(revision, str) and isinstance(name, str) and not revision.startswith(f"{name}-"):
        text = f"the revision `{revision}` must begin with `{name}-`"
        yield Problem("/spec/template/metadata/name", "invalid", text)
    yield from _traffic(spec)


def _traffic(spec: JsonObject) -> Iterator[Problem]:
    targets = [mapping(entry) for entry in sequence(spec.get("traffic"))]
    shares = [target.get("percent") or 0 for target in targets]
    if targets and all(isinstance(share, int) for share in shares) and sum(shares) != WHOLE:
        text = f"the traffic adds up to {sum(shares)} percent instead of 100"
        yield Problem("/spec/traffic", "invalid", text)
    for index, target in enumerate(targets):
        if target.get("revisionName") and target.get("latestRevision") is True:
            place = f"/spec/traffic/{index}/latestRevision"
            yield Problem(place, "invalid", "a target with a revisionName cannot be the latest")
