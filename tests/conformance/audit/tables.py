# SPDX-License-Identifier: Apache-2.0
"""What do the API server's own tests expect, and what do we say?

The tables in ``upstream/`` are transcribed from the test files that each of them names; the
policy of Google Compute Engine is what the function of its start script writes, as loaded.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import msgspec

from kguard.layers.audit.facts.files import read_policy
from kguard.layers.audit.semantics.evaluate import (
    Attributes,
    effective_omit_stages,
    evaluate,
)
from kguard.layers.audit.semantics.policy import Policy, Rule, decode
from kguard.layers.audit.semantics.requests import attributes, stages
from kguard.layers.audit.semantics.validation import validate
from kguard.layers.audit.semantics.version import Version

Point = tuple[str, Any, Any]

UPSTREAM = Path(__file__).parent / "upstream"
VERSION = Version(1, 36)


def table(name: str) -> dict[str, Any]:
    """One table with its provenance."""
    found: dict[str, Any] = json.loads((UPSTREAM / f"{name}.json").read_text())
    return found


def policy_of(fields: dict[str, Any]) -> Policy:
    """A policy from the fields of a table; it must be decodable."""
    policy = decode({"apiVersion": "audit.k8s.io/v1", "kind": "Policy", **fields}).policy
    assert policy is not None
    return policy


def checker(_: Path) -> Iterator[Point]:
    """The 104 decisions, 7 unions of stages and 4 cases of managed fields."""
    known = table("checker")
    for number, row in enumerate(known["decisions"]):
        rules = [known["rules"][name] for name in row["rules"]]
        policy = policy_of({"omitStages": row["policyStages"], "rules": rules})
        request = msgspec.convert(known["requests"][row["request"]], Attributes)
        found = evaluate(policy, request)
        expected = (row["level"], row["omitStages"])
        yield f"decision {number}", expected, (found.level, list(found.omit_stages))
    for number, row in enumerate(known["unions"]):
        rule = Rule(omit_stages=tuple(row["rule"]))
        ours = effective_omit_stages(Policy(omit_stages=tuple(row["policy"])), rule)
        yield f"union {number}", row["union"], list(ours)
    for number, row in enumerate(known["omitManagedFields"]):
        own = Rule("RequestResponse", verbs=("get",), omit_managed_fields=row["rule"])
        policy = Policy((own,), omit_managed_fields=row["policy"])
        ours_omitted = evaluate(policy, Attributes("jane", verb="get")).omit_managed_fields
        yield f"managed fields {number}", row["omitManagedFields"], ours_omitted


def validation(_: Path) -> Iterator[Point]:
    """8 valid and 14 invalid policies."""
    for number, row in enumerate(table("validation")["documents"]):
        yield f"document {number}", row["valid"], not validate(policy_of(row["policy"]), VERSION)


def reader(_: Path) -> Iterator[Point]:
    """5 files: the rules that are loaded, or None where the file is refused."""
    for number, row in enumerate(table("reader")["documents"]):
        loaded = read_policy(row["text"].encode(), VERSION).loaded
        expected = policy_of(row["policy"]) if row["policy"] else None
        yield f"file {number}", expected, loaded.policy if loaded.state == "valid" else None


def request_info(_: Path) -> Iterator[Point]:
    """49 rows of URLs and 12 of selectors; only the fields that a row names are compared."""
    known = table("request_info")
    for number, row in enumerate((*known["requests_of_urls"], *known["selectors"])):
        found = msgspec.to_builtins(attributes(row["method"], row["uri"], "jane"))
        expected = {key: value for key, value in row.items() if key not in ("method", "uri")}
        yield f"row {number}", expected, {key: found[key] for key in expected}


def stage_sequences(_: Path) -> Iterator[Point]:
    """18 sequences of requests and 2 of failed authentications."""
    for row in table("stages")["cases"]:
        user = None if row.get("unauthenticated") else "admin"
        request = attributes(row["method"], row["uri"], user)
        written = stages(request, panics=row["panics"], answered=row["answered"])
        ours = [stage for stage in written if stage not in row["omitStages"]]
        yield row["name"], row["stages"], ours


def production(_: Path) -> Iterator[Point]:
    """618 levels that the policy of Google Compute Engine must give."""
    known = table("gce")
    policy = policy_of({"omitStages": known["omitStages"], "rules": known["policy_rules"]})
    for row in known["expectations"]:
        for who, verb, what in product(row["users"], row["verbs"], _objects(row)):
            user = known["users"][who]
            request = msgspec.convert(_attributes(known, what), Attributes)
            request = msgspec.structs.replace(
                request, user=user["name"], groups=tuple(user["groups"]), verb=verb
            )
            yield f"{who} {verb} {what}", row["level"], evaluate(policy, request).level


def _objects(row: dict[str, Any]) -> list[str]:
    found: list[str] = row.get("resources") or row["paths"]
    return found


def _attributes(known: dict[str, Any], what: str) -> dict[str, Any]:
    if what.startswith("/"):
        return {"resourceRequest": False, "path": what}
    return {"resourceRequest": True, **known["resources"][what]}


SUITES = {
    "audit upstream checker": checker,
    "audit upstream validation": validation,
    "audit upstream reader": reader,
    "audit upstream request info": request_info,
    "audit upstream stages": stage_sequences,
    "audit upstream GCE policy": production,
}
