# SPDX-License-Identifier: Apache-2.0
"""What do Linkerd's own tests expect of its inbound policy, and what do we say?

The tables in ``upstream/`` are re-expressed from the test files that each of them names: those of
the policy controller's index, of its API and its webhook, and calls between pods of a cluster.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kguard.inventory import build
from kguard.inventory.selectors import parse_selector
from kguard.layers.mtls import LAYER
from kguard.layers.mtls.semantics import linkerd, linkerd_admission
from kguard.layers.mtls.semantics.linkerd_objects import index
from kguard.model.facts.mtls import Facts
from kguard.model.layer import Request
from kguard.model.manifests import Collected, Manifest, SourceText

Json = dict[str, Any]
Point = tuple[str, Any, Any]
UPSTREAM = Path(__file__).parent / "upstream"
INJECT = "linkerd.io/inject"
AT = datetime(2026, 11, 23, tzinfo=UTC)
_WHO = {
    "nobody": (False, False),
    "authenticated": (True, False),
    "tls": (True, False),
    "unauthenticated": (True, True),
}


def table(name: str) -> Json:
    """One table with its provenance."""
    found: Json = json.loads((UPSTREAM / f"{name}.json").read_text())
    return found


def verdicts(name: str) -> Iterator[Point]:
    """Whom the index admits to a port, and by which Server."""
    for case in table(name)["cases"]:
        pod = linkerd.Pod("ns-0", case.get("labels", {}), case.get("annotations", {}), {})
        objects = [(str(number), value) for number, value in enumerate(case["objects"])]
        found = linkerd.verdict(index(objects, whole=True), pod, case["port"], case["default"])
        kind, _, by = found.decided_by.rpartition(" ")
        server = by.removeprefix("ns-0/") if kind == "Server" else ""
        yield case["id"], (case["accepts"], case["server"]), (found.accepts, server)


def calls() -> Iterator[Point]:
    """Whether clients with and without a proxy get through, from the facts of the whole layer."""
    for case in table("calls")["cases"]:
        pod = _pod({INJECT: "enabled"}, {"app": "web"})
        (workload,) = _facts(
            [_namespace(case.get("annotations", {})), pod, *case["objects"]]
        ).linkerd
        (accepts,) = (group.accepts for group in workload.modes if "8080" in group.ports)
        ours = dict(zip(("meshed", "unmeshed"), _WHO[accepts], strict=True))
        asked = [client for client in ours if case[client] is not None]
        yield case["id"], {c: case[c] for c in asked}, {c: ours[c] for c in asked}


def admission() -> Iterator[Point]:
    """Whether the webhook (or the API server) takes the object."""
    for case in table("admission")["cases"]:
        kind, spec = linkerd_admission.type_of(case["object"]), case["object"]["spec"]
        namespace = case["object"]["metadata"]["namespace"]
        yield case["id"], case["accepted"], not linkerd_admission.is_refused(kind, namespace, spec)


def injection() -> Iterator[Point]:
    """Whether the pod gets a proxy, from the facts of the whole layer."""
    for case in table("injection")["cases"]:
        own, around = ({INJECT: case[key]} if case[key] else {} for key in ("pod", "namespace"))
        pod = _pod(own, {}, hostNetwork=case.get("hostNetwork", False))
        yield case["id"], case["injected"], bool(_facts([_namespace(around), pod]).linkerd)


def ports() -> Iterator[Point]:
    """Lists of ports; one with a mistake counts as empty."""
    for case in table("ports")["cases"]:
        yield case["id"], set(case["ports"] or ()), set(linkerd.port_set(case["text"]))


def selectors() -> Iterator[Point]:
    """Selectors of labels."""
    for case in table("selectors")["cases"]:
        selector = parse_selector(case["selector"])
        assert selector is not None
        yield case["id"], case["matches"], selector.matches(case["labels"])


def _facts(objects: list[Json]) -> Facts:
    manifests = [Manifest(o, SourceText(f"{n}.yaml", 0, 1, "")) for n, o in enumerate(objects)]
    request = Request(scope="cluster", at=AT)
    found = LAYER.facts(build(Collected(manifests=manifests)), request)
    assert isinstance(found, Facts)
    return found


def _namespace(annotations: Mapping[str, str]) -> Json:
    metadata = {"name": "ns-0", "annotations": annotations}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}


def _pod(annotations: Mapping[str, str], labels: Mapping[str, str], **spec: Any) -> Json:
    metadata = {"name": "web", "namespace": "ns-0", "labels": labels, "annotations": annotations}
    containers = [{"name": "c", "image": "x", "ports": [{"name": "http", "containerPort": 8080}]}]
    pod = {"containers": containers, **spec}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": pod}


SUITES: dict[str, Callable[[Path], Iterator[Point]]] = {
    "linkerd upstream index": lambda _: verdicts("index"),
    "linkerd upstream API": lambda _: verdicts("inbound_api"),
    "linkerd upstream calls": lambda _: calls(),
    "linkerd upstream admission": lambda _: admission(),
    "linkerd upstream injection": lambda _: injection(),
    "linkerd upstream ports": lambda _: ports(),
    "linkerd upstream selectors": lambda _: selectors(),
}
