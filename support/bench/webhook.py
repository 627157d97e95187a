# SPDX-License-Identifier: Apache-2.0
"""How long does an API server wait for `kguard serve`, and is any answer lost or late?

``python -m support.bench.webhook [--pods 10000] [--creates 1000] [--rate 50]`` fills a real API
server (of the testbed) with that many pods, registers the webhook and creates objects at that rate:
pods of controllers, bare pods, Deployments and NetworkPolicies that open. In the middle the webhook
is killed and started again. Latencies are the webhook's own histogram, beside what the clients saw.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import re
import ssl
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from support.testbed import cache

live: Any = import_module("tests.e2e.live")
serving: Any = import_module("tests.e2e.test_serve")

REPLICAS = 33
TEAMS = 20
CLIENTS = 16
KILL_AT = 0.4
"""When the webhook is killed, as a share of the creates: nobody is judged until it is back."""
Answer = tuple[str, int, float, float]
"""Kind, HTTP status, seconds, and when it was asked since the begin."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the figures. Exit code 1 if an answer is lost, late or wrong."""
    options = _parser().parse_args(arguments)
    with tempfile.TemporaryDirectory() as text, live.running(_program, Path(text)) as cluster:
        folder = Path(text)
        serving.grant(cluster, folder)
        client = Client(cluster)
        _fill(client, options.pods)
        return _measure(cluster, client, folder, options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="webhook", description=__doc__)
    parser.add_argument("--pods", type=int, default=10_000)
    parser.add_argument("--creates", type=int, default=1000)
    parser.add_argument("--rate", type=float, default=50.0)
    parser.add_argument("--no-kill", action="store_true")
    return parser


def _program(name: str) -> Path:
    found = cache.installed(name)
    if not found:
        sys.exit(f"the testbed has no {name}: `make testbed` builds it")
    return found


class Client:
    """An administrator with connections that stay open, one for each thread."""

    def __init__(self, cluster: Any) -> None:
        self._address = urlsplit(cluster.url)
        self._context = ssl.create_default_context(
            cafile=cluster.kubeconfig.parent / "certificates" / "apiserver.crt"
        )
        self.pool = ThreadPoolExecutor(CLIENTS)

    def send(self, method: str, path: str, item: Any = None) -> tuple[int, dict[str, Any]]:
        """Status and body of one request, on a connection of its own."""
        host, port = self._address.hostname or "", self._address.port
        connection = http.client.HTTPSConnection(host, port, timeout=60, context=self._context)
        headers = {"Authorization": "Bearer admin-token", "Content-Type": "application/json"}
        try:
            connection.request(method, path, json.dumps(item), headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read() or b"{}")
        finally:
            connection.close()


def _path(item: dict[str, Any]) -> str:
    version, namespace = item["apiVersion"], item["metadata"].get("namespace")
    root = f"/apis/{version}" if "/" in version else f"/api/{version}"
    kind = item["kind"].lower()
    plural = f"{kind[:-1]}ies" if kind.endswith("y") else f"{kind}s"
    return f"{root}/namespaces/{namespace}/{plural}" if namespace else f"{root}/{plural}"


def _fill(client: Client, pods: int) -> None:
    """Namespaces first, then workloads, then their pods."""
    items = [*_cluster(pods)]
    for kinds in (
        ("Namespace",),
        ("Deployment", "Service", "NetworkPolicy"),
        ("ReplicaSet", "Pod"),
    ):
        some = [item for item in items if item["kind"] in kinds]
        answers = client.pool.map(lambda item: client.send("POST", _path(item), item), some)
        failed = [body for status, body in answers if status not in (200, 201, 409)]
        assert not failed, failed[0]
    print(f"webhook: {len(items):,} objects, {pods:,} of them pods", flush=True)


def _object(kind: str, name: str, namespace: str, version: str, **fields: Any) -> dict[str, Any]:
    labels, owner = fields.pop("labels", {}), fields.pop("owner", None)
    metadata: dict[str, Any] = {"name": name, "labels": labels}
    if namespace:
        metadata["namespace"] = namespace
    if owner:
        metadata["ownerReferences"] = [{**owner, "uid": f"{name}-owner", "controller": True}]
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **fields}


def _labels(app: int) -> dict[str, str]:
    return {"app": f"app-{app}", "tier": f"t{app % 5}"}


def _pod_spec(app: int) -> dict[str, Any]:
    other = app * 7 % 300
    env = {"name": "BACKEND", "value": f"app-{other}.team-{other % TEAMS}.svc.cluster.local:8080"}
    image = f"registry.example/team/app-{app}:1.0"
    port = {"name": "http", "containerPort": 8080}
    return {"containers": [{"name": "main", "image": image, "ports": [port], "env": [env]}]}


def _owned(app: int, name: str) -> dict[str, Any]:
    owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": f"app-{app}-7d9f"}
    spec, labels = _pod_spec(app), _labels(app)
    return _object("Pod", name, f"team-{app % TEAMS}", "v1", labels=labels, spec=spec, owner=owner)


def _template(app: int) -> dict[str, Any]:
    labels = _labels(app)
    template = {"metadata": {"labels": labels}, "spec": _pod_spec(app)}
    return {"replicas": REPLICAS, "selector": {"matchLabels": labels}, "template": template}


def _cluster(pods: int) -> Iterator[dict[str, Any]]:
    for team in range(TEAMS):
        labels = {"judged": "yes", "team": f"t{team % 4}"}
        yield _object("Namespace", f"team-{team}", "", "v1", labels=labels)
        spec = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
        yield _object("NetworkPolicy", "closed", f"team-{team}", "networking.k8s.io/v1", spec=spec)
    for app in range(-(-pods // REPLICAS)):
        space, labels, name = f"team-{app % TEAMS}", _labels(app), f"app-{app}"
        above = {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}
        yield _object("Deployment", name, space, "apps/v1", labels=labels, spec=_template(app))
        fields = {"labels": labels, "spec": _template(app), "owner": above}
        yield _object("ReplicaSet", f"{name}-7d9f", space, "apps/v1", **fields)
        ports: dict[str, Any] = {"selector": {"app": name}, "clusterIP": "None"}
        ports["ports"] = [{"port": 8080, "targetPort": "http"}]
        yield _object("Service", name, space, "v1", spec=ports)
        peer = {"from": [{"podSelector": {"matchLabels": {"tier": f"t{app % 3}"}}}]}
        policy = {"podSelector": {"matchLabels": {"app": name}}, "ingress": [peer]}
        yield _object("NetworkPolicy", name, space, "networking.k8s.io/v1", spec=policy)
        for replica in range(min(REPLICAS, pods - app * REPLICAS)):
            yield _owned(app, f"{name}-7d9f-{replica:05}")


def _creates(count: int, apps: int) -> Iterator[dict[str, Any]]:
    """Of ten: seven pods of controllers, a bare pod, a Deployment, a policy that opens."""
    for number in range(count):
        app, space = number * 13 % apps, f"team-{number % TEAMS}"
        name, labels = f"new-{number}", {"app": f"new-{number}"}
        match number % 10:
            case 7:
                yield _object("Pod", name, space, "v1", labels=labels, spec=_pod_spec(app))
            case 8:
                spec = {**_template(app), "selector": {"matchLabels": labels}}
                spec["template"] = {"metadata": {"labels": labels}, "spec": _pod_spec(app)}
                yield _object("Deployment", name, space, "apps/v1", spec=spec)
            case 9:
                spec = {"podSelector": {}, "ingress": [{}]}
                yield _object("NetworkPolicy", name, space, "networking.k8s.io/v1", spec=spec)
            case _:
                yield _owned(app, f"app-{app}-7d9f-{name}")


def _measure(cluster: Any, client: Client, folder: Path, options: argparse.Namespace) -> int:
    (port,) = live.free_ports(1)
    root = Path(__file__).resolve().parents[2]
    server = serving.Server(cluster, root, folder, port, layers=())
    try:
        server.wait()
        print(f"webhook: ready, {_memory(server):.0f} MB", flush=True)
        item = serving.registration(server)
        path = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"
        client.send("POST", path, item)
        time.sleep(2)  # until the API server knows of it
        pages: list[str] = []
        answers = _load(client, server, options, pages)
        server.wait()
        pages.append(server.get("/metrics"))
        return _report(answers, pages, server, _stored(client, options.creates))
    finally:
        server.stop()


def _load(
    client: Client, server: Any, options: argparse.Namespace, pages: list[str]
) -> list[Answer]:
    items = [*_creates(options.creates, -(-options.pods // REPLICAS))]
    began = time.monotonic()

    def create(number: int) -> Answer:
        due = began + number / options.rate
        time.sleep(max(0.0, due - time.monotonic()))
        sent = time.monotonic()
        status, _ = client.send("POST", _path(items[number]), items[number])
        kind = items[number]["kind"]
        return kind, status, time.monotonic() - sent, sent - began

    pending = []
    kill = -1 if options.no_kill else int(options.creates * KILL_AT)
    with ThreadPoolExecutor(CLIENTS * 4) as pool:
        for number in range(options.creates):
            time.sleep(max(0.0, began + number / options.rate - time.monotonic()))
            if number == kill:
                pages.append(server.get("/metrics"))
                server.kill()
                server.start()
            pending.append(pool.submit(create, number))
        return [each.result() for each in pending]


def _stored(client: Client, creates: int) -> int:
    """How many of the policies that open were stored."""
    found = 0
    for number in range(9, creates, 10):
        path = f"/apis/networking.k8s.io/v1/namespaces/team-{number % TEAMS}/networkpolicies"
        found += client.send("GET", f"{path}/new-{number}")[0] == 200
    return found


def _report(answers: list[Answer], pages: list[str], server: Any, stored: int) -> int:
    seconds = sorted(answer[2] for answer in answers)
    counts = Counter((kind, status) for kind, status, _, _ in answers)
    print(f"webhook: the clients waited p50 {_share(seconds, 0.5)}, p99 {_share(seconds, 0.99)}")
    for (kind, status), count in sorted(counts.items()):
        print(f"webhook:   {kind} {status}: {count}")
    for page in pages:
        _tell(page)
    passed = counts["NetworkPolicy", 201]
    print(
        f"webhook: policies that open: {counts['NetworkPolicy', 403]} denied, {passed} not judged"
    )
    print(
        f"webhook: {stored} of them stored; {_memory(server):.0f} MB; load {os.getloadavg()[0]:.0f}"
    )
    wrong = [k for k in counts if k[1] not in (201, 403)]
    return 1 if wrong or stored != passed or seconds[-1] > live.READY_SECONDS else 0


def _share(seconds: Sequence[float], share: float) -> str:
    return f"{1000 * seconds[min(len(seconds) - 1, int(share * len(seconds)))]:.0f} ms"


_BUCKET = re.compile(r'duration_seconds_bucket\{judged="(\w+)",le="([^"]+)"\} (\d+)')


def _tell(page: str) -> None:
    """Shares of one life of the webhook, by its own histogram."""
    by_way: dict[str, list[tuple[float, int]]] = {}
    for how, bound, count in _BUCKET.findall(page):
        by_way.setdefault(how, []).append((float(bound), int(count)))
    for how, buckets in sorted(by_way.items()):
        total = buckets[-1][1]
        bounds = [
            next(bound for bound, count in buckets if count >= share * total)
            for share in (0.5, 0.99)
        ]
        print(f"webhook:   judged {how}: {total}, p50 <= {bounds[0]} s, p99 <= {bounds[1]} s")
    for line in page.splitlines():
        if "answers_total{" in line:
            print(f"webhook:   {line.removeprefix('kguard_webhook_')}")


def _memory(server: Any) -> float:
    """Resident megabytes of the webhook and its engines."""
    pids = [server.process.pid]
    children = Path(f"/proc/{pids[0]}/task").glob("*/children")
    pids += [int(pid) for path in children for pid in path.read_text().split()]
    pages = [int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in pids]
    return sum(pages) * os.sysconf("SC_PAGESIZE") / 2**20


if __name__ == "__main__":
    sys.exit(main())
