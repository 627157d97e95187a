# SPDX-License-Identifier: Apache-2.0
"""Does a real API server start with the policies that kguard writes, and record as predicted?"""

from __future__ import annotations

import http.client
import json
import ssl
import time
from collections import defaultdict
from pathlib import Path

import pytest
import yaml

from kguard.layers.audit.remedy.policy import as_written
from kguard.layers.audit.remedy.recommended import POLICY
from kguard.layers.audit.semantics.evaluate import evaluate
from kguard.layers.audit.semantics.families import CONCERNS, FAMILIES, LIMITS
from kguard.layers.audit.semantics.loading import load
from kguard.layers.audit.semantics.mending import mend, mended
from kguard.layers.audit.semantics.requests import attributes, stages
from kguard.layers.audit.semantics.version import Version
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
}
_IN = "/api/v1/namespaces/default"
_RBAC = "/apis/rbac.authorization.k8s.io/v1"
_MESH = "/apis/security.istio.io/v1/namespaces/default/peerauthentications"


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
]


def _shop(checkout: Path) -> str:
    """The shop's policy with everything that kguard inserts."""
    value = yaml.safe_load((checkout / "examples/shop/cluster/audit-policy.yaml").read_text())
    policy = load(value, Version(1, 36)).policy
    families = frozenset(family.id for family in (*FAMILIES, *CONCERNS))
    after = mended(policy, mend(policy, families, frozenset(limit.id for limit in LIMITS)))
    return yaml.safe_dump({**value, "rules": [_written(rule) for rule in after.rules]})


def _written(rule):
    urls = list(rule.non_resource_urls)
    return {**as_written(rule), **({"nonResourceURLs": urls} if urls else {})}


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


@pytest.mark.parametrize("which", ["recommended", "mended", "odd"])
def test_the_server_records_as_predicted(which, testbed, checkout, tmp_path):
    texts = {"recommended": POLICY, "mended": _shop(checkout), "odd": _RULELESS}
    policy = load(yaml.safe_load(texts[which]), Version(1, 36)).policy
    with live.running(testbed, tmp_path, texts[which]) as cluster:
        live.define(cluster, tmp_path, {("security.istio.io", "PeerAuthentication"): ("v1", True)})
        sent = list(_drive(cluster, tmp_path))
        time.sleep(1.5)
    written = _events(cluster.audit_log)
    answers = [(asked, _predicted(policy, *asked), _stages(written[i])) for i, asked in sent]
    assert [answer for answer in answers if answer[1] != answer[2]] == []
    assert len(sent) == len(PEOPLE) * len(REQUESTS)
    assert all(_bodies_fit(event) for events in written.values() for event in events)
    if which != "odd":
        assert HIDDEN not in cluster.audit_log.read_text()


def _drive(cluster, folder):
    cluster.run("create", "serviceaccount", "robot")
    robot = cluster.run("create", "token", "robot").strip()
    tokens = {"robot": robot, "intruder": "wrong", "anonymous": ""}
    trust = ssl.create_default_context(cafile=str(folder / "certificates" / "apiserver.crt"))
    host = cluster.url.removeprefix("https://")
    for person in PEOPLE:
        token = tokens.get(person, f"{person}-token")
        for method, path, body in REQUESTS:
            connection = http.client.HTTPSConnection(host, context=trust, timeout=30)
            content = json.dumps(body) if body else None
            connection.request(method, path, content, _headers(token, method))
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


def _stages(events):
    return [(event["stage"], event["level"]) for event in events]


def _predicted(policy, person, method, path):
    user, groups = PEOPLE[person]
    request = attributes(method, path, user, groups)
    decision = evaluate(policy, request)
    if decision.level == "None":
        return []
    kept = (stage for stage in stages(request) if stage not in decision.omit_stages)
    return [(stage, decision.level) for stage in kept]


def _bodies_fit(event):
    """Metadata holds no body, Request none of the answer."""
    held = {key for key in ("requestObject", "responseObject") if key in event}
    allowed = {"Metadata": set(), "Request": {"requestObject"}}
    return held <= allowed.get(event["level"], held)
