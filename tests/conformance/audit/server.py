# SPDX-License-Identifier: Apache-2.0
"""What did a real API server write about each of many requests, and what do we predict?

Ten policies, among them those that kguard writes, with 240 requests each: by people with and
without rights, service accounts, nobody, somebody with a bad token and somebody who impersonates;
objects of Kubernetes, Istio and Knative; sessions by GET, watches, whole collections.
``python -m tests.conformance.audit.server`` asks the server of the testbed and writes the answers.
"""

from __future__ import annotations

import gzip
import http.client
import json
import random
import ssl
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml

from kguard.layers.audit.remedy.policy import as_written
from kguard.layers.audit.remedy.recommended import POLICY
from kguard.layers.audit.semantics.evaluate import evaluate
from kguard.layers.audit.semantics.families import CONCERNS, FAMILIES, LIMITS
from kguard.layers.audit.semantics.loading import load
from kguard.layers.audit.semantics.mending import mend, mended
from kguard.layers.audit.semantics.policy import Policy, Rule
from kguard.layers.audit.semantics.requests import attributes, stages
from kguard.layers.audit.semantics.version import Version
from support.generators.audit_questions import policy as random_policy

Point = tuple[str, Any, Any]
Event = dict[str, Any]

CHECKOUT = Path(__file__).resolve().parents[3]
RECORDED = Path(__file__).parent / "server-1.36.3.ndjson.gz"

HIDDEN = "bm9ib2R5LW1heS1zZWUtdGhpcw=="
ROBOT = "system:serviceaccount:default:robot"
PEOPLE: dict[str, tuple[str | None, tuple[str, ...]]] = {
    "admin": ("admin", ("system:masters", "system:authenticated")),
    "stranger": ("stranger", ("nobody", "system:authenticated")),
    "robot": (
        ROBOT,
        ("system:serviceaccounts", "system:serviceaccounts:default", "system:authenticated"),
    ),
    "anonymous": ("system:anonymous", ("system:unauthenticated",)),
    "intruder": (None, ()),
    "disguised": ("admin", ("system:masters", "system:authenticated")),
}
"""Who asks, as the policy sees him: whoever impersonates others is judged by his own name."""
_IN = "/api/v1/namespaces/default"
_RBAC = "/apis/rbac.authorization.k8s.io/v1"
_MESH = "/apis/security.istio.io/v1/namespaces/default/peerauthentications"
_KNATIVE = "/apis/serving.knative.dev/v1/namespaces/default/services"


def _named(name: str, **more: Any) -> dict[str, Any]:
    return {"metadata": {"name": name}, **more}


REQUESTS: list[tuple[str, str, Any]] = [
    ("POST", f"{_IN}/configmaps", _named("settings", data={"a": "b"})),
    ("GET", f"{_IN}/configmaps/settings", None),
    ("PATCH", f"{_IN}/configmaps/settings", {"data": {"a": "c"}}),
    ("POST", f"{_IN}/secrets", _named("key", data={"k": HIDDEN})),
    ("GET", f"{_IN}/secrets/key", None),
    ("GET", "/api/v1/secrets", None),
    ("GET", f"{_IN}/secrets?watch=true&timeoutSeconds=1", None),
    ("DELETE", f"{_IN}/secrets", None),
    ("GET", f"{_IN}/pods/none/exec?command=id", None),
    ("POST", f"{_IN}/pods/none/exec?command=id", None),
    ("GET", f"{_IN}/pods/none/log", None),
    ("GET", f"{_IN}/services/none/proxy/", None),
    ("DELETE", f"{_IN}/pods", None),
    ("POST", f"{_IN}/events", _named("e", involvedObject={"namespace": "default"})),
    ("POST", f"{_IN}/serviceaccounts/robot/token", {"spec": {}}),
    ("POST", f"{_RBAC}/clusterroles", _named("wide", rules=[])),
    ("DELETE", f"{_RBAC}/clusterroles/wide", None),
    ("POST", _MESH, _named("default", spec={"mtls": {"mode": "PERMISSIVE"}})),
    ("DELETE", f"{_MESH}/default", None),
    ("POST", "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases", _named("l")),
    ("POST", "/apis/authentication.k8s.io/v1/tokenreviews", {"spec": {"token": "x"}}),
    ("GET", "/api/v1/namespaces/default", None),
    ("GET", "/healthz", None),
    ("GET", "/apis/apps/v1", None),
    ("GET", f"{_IN}/nothings", None),
    ("POST", _KNATIVE, _named("web", spec={"template": {}})),
    ("PATCH", f"{_KNATIVE}/web", {"spec": {"traffic": []}}),
    ("GET", f"{_KNATIVE}?watch=1&timeoutSeconds=1", None),
    ("DELETE", _KNATIVE, None),
    ("GET", f"{_IN}/pods/none/portforward", None),
    ("POST", f"{_IN}/pods/none/attach", None),
    ("HEAD", f"{_IN}/secrets/key", None),
    ("OPTIONS", f"{_IN}/secrets", None),
    ("GET", f"{_IN}/secrets?fieldSelector=metadata.name%3Dkey", None),
    ("DELETE", f"{_IN}/configmaps?fieldSelector=metadata.name%3Dsettings", None),
    ("PATCH", "/api/v1/namespaces/default", {"metadata": {"labels": {"a": "b"}}}),
    ("GET", f"{_IN}/secrets?timeout=bogus", None),
    ("GET", "/livez/ping", None),
    ("GET", "/version/", None),
    ("POST", "/metrics", {}),
]
BODIES = {"requestObject", "responseObject"}
_REFUSED_TIMEOUT = "timeout=bogus"
"""Such a request is recorded before anybody asked who sends it."""


_FAMILIES = frozenset(family.id for family in (*FAMILIES, *CONCERNS))
_LIMITS = frozenset(limit.id for limit in LIMITS)


def _mended(text: str) -> str:
    """The policy with everything that kguard inserts."""
    value = yaml.safe_load(text)
    policy = policy_of(text)
    after = mended(policy, mend(policy, _FAMILIES, _LIMITS))
    stages = {"omitStages": list(after.omit_stages)}
    return yaml.safe_dump({**value, **stages, "rules": [_written(r) for r in after.rules]})


def _random(seed: int) -> str:
    """A random policy that the server starts with and that records something."""
    chance = random.Random(seed)
    while True:
        value = random_policy(chance)
        loaded = load(value, Version(1, 36))
        levels = {rule.level for rule in loaded.policy.rules} if loaded.policy else set()
        if loaded.state == "valid" and not loaded.ignored and len(levels) > 2:
            return yaml.safe_dump(value)


def _written(rule: Rule) -> dict[str, Any]:
    more = {"nonResourceURLs": rule.non_resource_urls, "omitStages": rule.omit_stages}
    return {**as_written(rule), **{key: list(values) for key, values in more.items() if values}}


_RULELESS = """
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [ResponseStarted]
rules:
- level: RequestResponse
  userGroups: [system:authenticated]
  resources:
  - group: "*"
    resources: ["pods/*", "*/token", "configmaps"]
- level: Request
  verbs: [create, "*"]
  namespaces: [default]
"""


_WRITES_ONLY = """
apiVersion: audit.k8s.io/v1
kind: Policy
rules:
- level: Request
  verbs: [create, update, patch, delete]
- level: None
"""
_PEOPLE_LEFT_OUT = """
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [ResponseStarted]
rules:
- level: None
  users: [admin]
- level: None
  userGroups: ["system:serviceaccounts:default", "system:unauthenticated"]
- level: Metadata
  namespaces: [""]
- level: RequestResponse
  resources:
  - group: ""
    resources: [configmaps, "pods/*"]
  - group: serving.knative.dev
"""
SHOP = "examples/shop/cluster/audit-policy.yaml"
POLICIES: dict[str, Callable[[], str]] = {
    "recommended": lambda: POLICY,
    "shop, mended": lambda: _mended((CHECKOUT / SHOP).read_text()),
    "odd": lambda: _RULELESS,
    "odd, mended": lambda: _mended(_RULELESS),
    "writes only": lambda: _WRITES_ONLY,
    "writes only, mended": lambda: _mended(_WRITES_ONLY),
    "people left out": lambda: _PEOPLE_LEFT_OUT,
    "people left out, mended": lambda: _mended(_PEOPLE_LEFT_OUT),
    "random 3": lambda: _random(3),
    "random 4, mended": lambda: _mended(_random(4)),
}
CLEAN = {"recommended"} | {name for name in POLICIES if name.endswith("mended")}
"""Policies that keep credentials out of the log."""

KINDS = {
    ("security.istio.io", "PeerAuthentication"): ("v1", True),
    ("serving.knative.dev", "Service"): ("v1", True),
}


def policy_of(text: str) -> Policy:
    """A policy as a server of 1.36 loads it."""
    policy = load(yaml.safe_load(text), Version(1, 36)).policy
    assert policy is not None
    return policy


def answers(cluster: Any, folder: Path) -> Iterator[dict[str, Any]]:
    """What the server wrote about each request: person, method, path and events."""
    sent = list(_drive(cluster, folder))
    time.sleep(1.5)
    written: dict[str, list[Event]] = defaultdict(list)
    for line in cluster.audit_log.read_text().splitlines():
        event = json.loads(line)
        written[event["auditID"]].append(event)
    for audit_id, (person, method, path) in sent:
        events = [_short(event) for event in written[audit_id]]
        yield {"person": person, "method": method, "path": path, "events": events}


def _drive(cluster: Any, folder: Path) -> Iterator[tuple[str, tuple[str, str, str]]]:
    cluster.run("create", "serviceaccount", "robot")
    robot = cluster.run("create", "token", "robot").strip()
    tokens = {"robot": robot, "intruder": "wrong", "anonymous": "", "disguised": "admin-token"}
    trust = ssl.create_default_context(cafile=str(folder / "certificates" / "apiserver.crt"))
    host = cluster.url.removeprefix("https://")
    for person in PEOPLE:
        token = tokens.get(person, f"{person}-token")
        for method, path, body in REQUESTS:
            connection = http.client.HTTPSConnection(host, context=trust, timeout=30)
            content = json.dumps(body) if body else None
            headers = _headers(token, method)
            if person == "disguised":
                headers |= {"Impersonate-User": "jane", "Impersonate-Group": "dev"}
            connection.request(method, path, content, headers)
            response = connection.getresponse()
            response.read()
            connection.close()
            yield response.headers["Audit-Id"], (person, method, path)


def _headers(token: str, method: str) -> dict[str, str]:
    kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
    headers = {"Content-Type": kind}
    return {**headers, "Authorization": f"Bearer {token}"} if token else headers


def _short(event: Event) -> Event:
    """What of an event is compared."""
    return {
        "stage": event["stage"],
        "level": event["level"],
        "verb": event["verb"],
        "code": event.get("responseStatus", {}).get("code", 0),
        "object": "objectRef" in event,
        "bodies": sorted(key for key in BODIES if key in event),
    }


def compared(policy: Policy, answer: dict[str, Any]) -> tuple[Any, Any]:
    """What the server wrote about one request, and what we predict."""
    written = [(event["stage"], event["level"], True) for event in answer["events"]]
    predicted = _predicted(policy, answer["person"], answer["method"], answer["path"])
    fits = [_bodies_fit(event) for event in answer["events"]]
    fits += [True] * (len(predicted) - len(fits))
    return written, [(*one, fit) for one, fit in zip(predicted, fits, strict=False)]


def _predicted(policy: Policy, person: str, method: str, path: str) -> list[tuple[str, str]]:
    user, groups = (None, ()) if _REFUSED_TIMEOUT in path else PEOPLE[person]
    request = attributes(method, path, user, groups)
    decision = evaluate(policy, request)
    if decision.level == "None":
        return []
    kept = (stage for stage in stages(request) if stage not in decision.omit_stages)
    return [(stage, decision.level) for stage in kept]


def _bodies_fit(event: Event) -> bool:
    """Metadata holds no body, Request none of the answer; what was stored is there."""
    held = set(event["bodies"])
    allowed = {"Metadata": set(), "Request": {"requestObject"}}.get(event["level"], BODIES)
    done = event["stage"] == "ResponseComplete" and event["verb"] in ("create", "patch")
    stored = done and event["code"] in (200, 201) and event["object"]
    return held <= allowed and (not stored or held == allowed)


def recorded(_: Path) -> Iterator[Point]:
    """The recorded answers of a server of 1.36.3."""
    for line in gzip.decompress(RECORDED.read_bytes()).splitlines():
        row = json.loads(line)
        policy = policy_of(row["policy"])
        for number, answer in enumerate(row["answers"]):
            yield f"{row['name']}: request {number}", *compared(policy, answer)


SUITES = {"audit events of 1.36.3, ten policies": recorded}


def main() -> int:
    """Ask the server of the testbed and write its answers."""
    from support.testbed import cache
    from support.testbed.recipes import recipe
    from tests.e2e import live

    rows = []
    for name, text in POLICIES.items():
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder)
            with live.running(lambda n: cache.binary(recipe(n)), place, text()) as cluster:
                live.define(cluster, place, KINDS)
                row = {"name": name, "policy": text(), "answers": list(answers(cluster, place))}
        rows.append(json.dumps(row) + "\n")
    RECORDED.write_bytes(gzip.compress("".join(rows).encode(), mtime=0))
    return 0


if __name__ == "__main__":
    sys.exit(main())
