# SPDX-License-Identifier: Apache-2.0
"""Does a real API server start with the policies that kguard writes, and record as predicted?"""

from __future__ import annotations

import http.client
import json
import random
import ssl
import time
from collections import defaultdict
from pathlib import Path

import msgspec
import pytest
import yaml

from kguard.inventory import build
from kguard.layers.audit.facts.served import served
from kguard.layers.audit.remedy.policy import as_written
from kguard.layers.audit.remedy.recommended import POLICY
from kguard.layers.audit.semantics.evaluate import evaluate
from kguard.layers.audit.semantics.families import CONCERNS, FAMILIES, LIMITS
from kguard.layers.audit.semantics.loading import load
from kguard.layers.audit.semantics.mending import mend, mended
from kguard.layers.audit.semantics.replay import Event, Replay
from kguard.layers.audit.semantics.requests import attributes, stages
from kguard.layers.audit.semantics.resources import catalogue
from kguard.layers.audit.semantics.version import Version
from kguard.sources.cluster import read
from support.generators.audit_questions import policy as random_policy
from tests.e2e import live

pytestmark = pytest.mark.testbed("etcd", "kube-apiserver", "kubectl")

HIDDEN = "bm9ib2R5LW1heS1zZWUtdGhpcw=="
ROBOT = "system:serviceaccount:default:robot"
PEOPLE = {
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


def _named(name, **more):
    return {"metadata": {"name": name}, **more}


REQUESTS = [
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
_EVENT = msgspec.json.Decoder(Event)
_REFUSED_TIMEOUT = "timeout=bogus"
"""Such a request is recorded before anybody asked who sends it."""


_FAMILIES = frozenset(family.id for family in (*FAMILIES, *CONCERNS))
_LIMITS = frozenset(limit.id for limit in LIMITS)


def _mended(text: str) -> str:
    """The policy with everything that kguard inserts."""
    value = yaml.safe_load(text)
    policy = load(value, Version(1, 36)).policy
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


def _written(rule):
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
POLICIES = {
    "recommended": lambda _: POLICY,
    "shop, mended": lambda checkout: _mended((checkout / SHOP).read_text()),
    "odd": lambda _: _RULELESS,
    "odd, mended": lambda _: _mended(_RULELESS),
    "writes only": lambda _: _WRITES_ONLY,
    "writes only, mended": lambda _: _mended(_WRITES_ONLY),
    "people left out": lambda _: _PEOPLE_LEFT_OUT,
    "people left out, mended": lambda _: _mended(_PEOPLE_LEFT_OUT),
    "random 3": lambda _: _random(3),
    "random 4, mended": lambda _: _mended(_random(4)),
}
CLEAN = {"recommended"} | {name for name in POLICIES if name.endswith("mended")}
"""Policies that keep credentials out of the log."""

KINDS = {
    ("security.istio.io", "PeerAuthentication"): ("v1", True),
    ("serving.knative.dev", "Service"): ("v1", True),
}


@pytest.mark.parametrize("which", POLICIES)
def test_the_server_records_as_predicted(which, testbed, checkout, tmp_path):
    text = POLICIES[which](checkout)
    policy = load(yaml.safe_load(text), Version(1, 36)).policy
    with live.running(testbed, tmp_path, text) as cluster:
        live.define(cluster, tmp_path, KINDS)
        sent = list(_drive(cluster, tmp_path))
        time.sleep(1.5)
    written = _events(cluster.audit_log)
    answers = [(asked, _predicted(policy, *asked), _stages(written[i])) for i, asked in sent]
    assert [answer for answer in answers if answer[1] != answer[2]] == []
    assert len(sent) == len(PEOPLE) * len(REQUESTS)
    assert _contradictions(policy, cluster.audit_log) == []
    assert all(_bodies_fit(event) for events in written.values() for event in events)
    if which in CLEAN:
        assert HIDDEN not in cluster.audit_log.read_text()


def _drive(cluster, folder):
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


def _headers(token, method):
    kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
    headers = {"Content-Type": kind}
    return {**headers, "Authorization": f"Bearer {token}"} if token else headers


def _events(log: Path):
    written = defaultdict(list)
    for line in log.read_text().splitlines():
        event = json.loads(line)
        written[event["auditID"]].append(event)
    return written


def _contradictions(policy, log: Path):
    """Also of what the server does on its own behalf."""
    held = Replay(policy)
    lines = log.read_bytes().splitlines()
    return [found for line in lines if (found := held.feed(_EVENT.decode(line))) is not None]


def _stages(events):
    return [(event["stage"], event["level"]) for event in events]


def _predicted(policy, person, method, path):
    user, groups = (None, ()) if _REFUSED_TIMEOUT in path else PEOPLE[person]
    request = attributes(method, path, user, groups)
    decision = evaluate(policy, request)
    if decision.level == "None":
        return []
    kept = (stage for stage in stages(request) if stage not in decision.omit_stages)
    return [(stage, decision.level) for stage in kept]


def _bodies_fit(event):
    """Metadata holds no body, Request none of the answer; what was stored is there."""
    held = {key for key in ("requestObject", "responseObject") if key in event}
    allowed = {"Metadata": set(), "Request": {"requestObject"}}.get(event["level"], BODIES)
    done = event["stage"] == "ResponseComplete" and event["verb"] in ("create", "patch")
    stored = done and event["responseStatus"]["code"] in (200, 201) and "objectRef" in event
    return held <= allowed and (not stored or held == allowed)


GATED = {"clustertrustbundles", "podcertificaterequests", "podgroups", "workloads"} | {
    "storageversionmigrations"
}


def test_the_catalogue_is_what_the_server_serves(testbed, tmp_path, monkeypatch):
    """With every API switched on; what needs a feature gate as well is not served."""
    with live.running(testbed, tmp_path, options=("--runtime-config=api/all=true",)) as cluster:
        monkeypatch.setenv("KUBECONFIG", str(cluster.kubeconfig))
        inventory = build(read("admin"))
    found = served(inventory, "", None)
    known = catalogue(Version(1, 36)).resources
    assert found.live
    assert set(found.resources) <= set(known)
    assert {r.resource for r in set(known) - set(found.resources)} == GATED
