# SPDX-License-Identifier: Apache-2.0
"""How long does an audit of a large live cluster take, and what does it ask for?

1,000 nodes, 10,000 pods and 2,000 NetworkPolicies on a real API server; kwok plays the kubelets, so
that nodes become ready and pods run. Filling it takes minutes: `make conformance-full` runs this,
with KGUARD_SCALE=1; without, it is not collected.
"""

from __future__ import annotations

import json
import resource
import ssl
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
import urllib3

from tests.e2e import live

pytestmark = pytest.mark.timeout(1800)
NODES, NAMESPACES, PODS, POLICIES = 1_000, 100, 10_000, 2_000
BUDGET_SECONDS, BUDGET_BYTES = 60, 1 << 30
READY_SECONDS = 900


@pytest.fixture(scope="module")
def large(testbed, tmp_path_factory):
    folder = tmp_path_factory.mktemp("large")
    limits = ("--max-requests-inflight=2000", "--max-mutating-requests-inflight=1000")
    kwok = testbed("kwok")
    with live.running(testbed, folder, options=limits) as cluster:
        with live.pretending(kwok, folder, cluster):
            _fill(cluster)
            _wait(cluster)
        yield cluster


def _wait(cluster):
    """Until every pod runs and every node is ready."""
    deadline = time.monotonic() + READY_SECONDS
    while not _all_run(cluster):
        assert time.monotonic() < deadline
        time.sleep(2)


def _all_run(cluster):
    idle = "/api/v1/pods?limit=1&fieldSelector=status.phase!=Running"
    if json.loads(cluster.run("get", "--raw", idle))["items"]:
        return False
    nodes = json.loads(cluster.run("get", "nodes", "-o", "json"))["items"]
    ready = [
        node
        for node in nodes
        for condition in node["status"].get("conditions", ())
        if (condition["type"], condition["status"]) == ("Ready", "True")
    ]
    return len(ready) == NODES


def _fill(cluster):
    http = urllib3.PoolManager(maxsize=16, cert_reqs=ssl.CERT_NONE)
    urllib3.disable_warnings()
    head = {"Authorization": "Bearer admin-token", "Content-Type": "application/json"}

    def send(path, body):
        answer = http.request("POST", cluster.url + path, body=json.dumps(body), headers=head)
        assert answer.status < 300, answer.data

    with ThreadPoolExecutor(16) as pool:
        for wave in (_spaces(), _bound()):
            for done in [pool.submit(send, *one) for one in wave]:
                done.result()


def _meta(name, namespace=None, **labels):
    return {"name": name, "namespace": namespace, "labels": labels}


def _spaces():
    for number in range(NAMESPACES):
        yield "/api/v1/namespaces", {"metadata": _meta(f"team-{number}")}
    for number in range(NODES):
        yield "/api/v1/nodes", {"metadata": _meta(f"node-{number}")}


def _bound():
    for number in range(PODS):
        space = f"team-{number % NAMESPACES}"
        container = {"name": "web", "image": f"registry.example/web-{number % 200}:1"}
        spec = {"nodeName": f"node-{number % NODES}", "containers": [container]}
        metadata = _meta(f"web-{number}", space, app=f"web-{number % 40}")
        yield f"/api/v1/namespaces/{space}/pods", {"metadata": metadata, "spec": spec}
    for number in range(POLICIES):
        space = f"team-{number % NAMESPACES}"
        chosen = {"matchLabels": {"app": f"web-{number % 40}"}}
        peer = {"podSelector": {"matchLabels": {"app": f"web-{(number + 1) % 40}"}}}
        spec = {"podSelector": chosen, "ingress": [{"from": [peer]}]}
        path = f"/apis/networking.k8s.io/v1/namespaces/{space}/networkpolicies"
        yield path, {"metadata": _meta(f"policy-{number}", space), "spec": spec}


def test_an_audit_is_within_its_budget(large, kguard, checkout, tmp_path):
    large.apply(checkout / "deploy/base/manifests/cluster-role.yaml")
    large.run("create", "clusterrolebinding", "k", "--clusterrole=kguard", "--user=scanner")
    report = tmp_path / "report.json"
    began, before = time.monotonic(), _processor()
    done = kguard(
        *("scan", "--context", "scanner", "--history", tmp_path / "audits.db"),
        *("--output", f"json={report}"),
        env={"KUBECONFIG": str(large.kubeconfig)},
        timeout=600,
    )
    seconds, used = time.monotonic() - began, _processor() - before
    largest = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss << 10
    assert done.returncode in (1, 3), done.stderr
    requests = [
        (event["verb"], event.get("objectRef", {}).get("resource", event["requestURI"]))
        for line in large.audit_log.read_text().splitlines()
        if (event := json.loads(line))["user"]["username"] == "scanner"
        and event["stage"] == "ResponseComplete"
    ]
    found = json.loads(report.read_text())
    counts = Counter(verb for verb, _ in requests)
    told = (
        f"{found['objects']} objects, {len(found['findings'])} findings: {seconds:.1f} s,",
        f"{used:.1f} s of the processor, {largest / 1e6:.0f} MB in the largest process,",
        f"{dict(counts)} requests",
    )
    print("", *told, sep="\n")  # noqa: T201
    assert found["incomplete"] == []
    assert counts.keys() == {"get", "list"}
    assert "secrets" not in {name for _, name in requests}
    assert Counter(requests)["list", "pods"] == PODS / 500
    assert used < BUDGET_SECONDS  # the time on an idle machine is less
    assert largest < BUDGET_BYTES


def _processor():
    """Seconds that processes took which have ended."""
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime
