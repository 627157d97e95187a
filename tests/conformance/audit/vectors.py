# SPDX-License-Identifier: Apache-2.0
"""What did the API server answer, and what do we say? One (id, recorded, ours) for each point."""

from __future__ import annotations

import base64
import gzip
import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import yaml

from kguard.layers.audit.facts.files import read_policy
from kguard.layers.audit.semantics.evaluate import Attributes, evaluate
from kguard.layers.audit.semantics.loading import load
from kguard.layers.audit.semantics.policy import Policy, decode
from kguard.layers.audit.semantics.replay import Event, Replay
from kguard.layers.audit.semantics.requests import attributes, stages
from kguard.layers.audit.semantics.validation import validate
from kguard.layers.audit.semantics.version import Version
from tests.conformance.audit import brute_force, known, oracle, server, tables

Point = tuple[str, Any, Any]

HEAD = Version(1, 37)
RECORDED = Version(1, 36)
_REFUSED_TIMEOUT = "timeout=bogus"


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    raw = path.read_bytes()
    for line in (gzip.decompress(raw) if path.suffix == ".gz" else raw).splitlines():
        yield json.loads(line)


def _policies(shared: Path) -> Iterator[tuple[int, dict[str, Any], Policy]]:
    path = shared / "audit" / "audit_policy_apiserver_head.jsonl.gz"
    for number, entry in enumerate(_lines(path)):
        policy = decode({"apiVersion": "audit.k8s.io/v1", **entry["policy"]}).policy
        assert policy is not None
        yield number, entry, policy


def decisions(shared: Path) -> Iterator[Point]:
    """Random requests on random policies, valid and invalid ones."""
    for number, entry, policy in _policies(shared):
        for index, (request, recorded) in enumerate(
            zip(entry["attrs"], entry["results"], strict=True)
        ):
            ours = evaluate(policy, msgspec.convert(request, Attributes))
            answer = {
                "level": ours.level,
                "omitStages": list(ours.omit_stages),
                "omitManagedFields": ours.omit_managed_fields,
            }
            yield f"policy {number} request {index}", recorded, answer


def errors(shared: Path) -> Iterator[Point]:
    """The validation errors of the same policies."""
    for number, entry, policy in _policies(shared):
        ours = sorted(str(error) for error in validate(policy, HEAD))
        yield f"policy {number}", sorted(entry["errors"]), ours


def recorded_logs(shared: Path) -> Iterator[Point]:
    """Stage by stage, what a server wrote for each request that it was sent."""
    for path in sorted((shared / "apiserver-audit-logs").glob("*.yaml")):
        policy = load(yaml.safe_load(path.read_text()), RECORDED).policy
        assert policy is not None
        written = defaultdict(list)
        for event in _lines(path.with_suffix(".audit.log.gz")):
            written[event["auditID"]].append((event["stage"], event["level"]))
        for request in _lines(path.with_suffix(".requests.ndjson")):
            name = f"{path.stem} request {request['seq']}"
            yield name, written[request["audit_id"]], _predicted(policy, request)


def _predicted(policy: Policy, sent: dict[str, Any]) -> list[tuple[str, str]]:
    nobody = sent["user"] is None or _REFUSED_TIMEOUT in sent["path"]
    user = None if nobody else sent["user"]
    request = attributes(sent["method"], sent["path"], user, tuple(sent["groups"]))
    decision = evaluate(policy, request)
    if decision.level == "None":
        return []
    kept = (stage for stage in stages(request) if stage not in decision.omit_stages)
    return [(stage, decision.level) for stage in kept]


def files(shared: Path) -> Iterator[Point]:
    """Which files a server starts with, and the policy that it loads."""
    for entry in _lines(shared / "apiserver-networkpolicy" / "audit-policy-load.ndjson.gz"):
        loaded = read_policy(base64.b64decode(entry["input_b64"]), RECORDED).loaded
        ours = None
        if loaded.state == "valid":
            ours = {"omitManagedFields": False, **_as_stored(loaded.policy)}
        yield entry["id"], entry["policy"] if entry["accepted"] else None, ours


def _as_stored(policy: Policy | None) -> Any:
    """The policy without empty fields; a group is always there."""
    stored = msgspec.json.decode(msgspec.json.encode(policy))
    for rule in stored.get("rules", []):
        for resource in rule.get("resources", []):
            resource.setdefault("group", "")
    return stored


def replays(shared: Path) -> Iterator[Point]:
    """Each recorded log is explained by its own policy and contradicts the others.

    The log of `policy04` is empty. The one of `policy09` holds no request that `policy01` would
    record otherwise: what it leaves out leaves no trace.
    """
    folder = shared / "apiserver-audit-logs"
    policies = {path.stem: _loaded(path) for path in sorted(folder.glob("*.yaml"))}
    for log in policies:
        raw = gzip.decompress((folder / f"{log}.audit.log.gz").read_bytes())
        events = [_EVENTS.decode(line) for line in raw.splitlines()]
        for name, policy in policies.items():
            explained = not any(map(Replay(policy).feed, events))
            expected = name == log or not events or (log, name) == ("policy09", "policy01")
            yield f"log of {log}, {name}", expected, explained


def _loaded(path: Path) -> Policy:
    policy = load(yaml.safe_load(path.read_text()), RECORDED).policy
    assert policy is not None
    return policy


_EVENTS = msgspec.json.Decoder(Event)

SUITES: dict[str, Callable[[Path], Iterator[Point]]] = {
    "audit decisions": decisions,
    "audit validation errors": errors,
    "audit policy files": files,
    "audit logs of an API server": recorded_logs,
    "audit logs replayed": replays,
    **tables.SUITES,
    **known.SUITES,
    **server.SUITES,
    **brute_force.SUITES,
    **oracle.SUITES,
}
