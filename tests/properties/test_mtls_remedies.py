# SPDX-License-Identifier: Apache-2.0
"""Do remedies keep their promises on random clusters that are not compliant?

`KGUARD_RANDOM_CLUSTERS` sets how many are tried.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from typing import Any

import pytest

from kguard.engine import catalog
from kguard.engine.embedded import EmbeddedEngine
from kguard.model.findings import Policy
from kguard.model.manifests import Collected, Manifest, SourceText
from kguard.remediation import plan
from kguard.scan import Judged, Options, scan
from kguard.sources.yaml import Document, load
from kguard.sources.yaml.emit import emit
from tests.cases.runner import AT

COUNT = int(os.environ.get("KGUARD_RANDOM_CLUSTERS", "6"))
MODES = ("STRICT", "PERMISSIVE", "DISABLE", "UNSET", None)
NAMESPACES = ("istio-system", "shop", "data")
NAMES = ("cart", "redis", "stock", "web")
Object = dict[str, Any]


@pytest.fixture(scope="module")
def engine() -> Iterator[EmbeddedEngine]:
    loaded = EmbeddedEngine()
    yield loaded
    loaded.close()


@pytest.mark.parametrize("seed", range(COUNT))
def test_remedies_close_or_refuse_and_do_no_harm(seed: int, engine: EmbeddedEngine) -> None:
    collected = _collected(list(_cluster(random.Random(seed))))
    options = Options(scope=random.Random(seed).choice(["app", "cluster"]), at=AT, layers=("mtls",))

    def again(changed: Collected) -> Judged:
        return scan(changed, options, engine)

    before = again(collected)
    proof = plan.make(before, again, plan.Wishes()).proof
    assert (proof.weakens, proof.cuts, proof.opens, proof.new_findings) == ((), (), (), ())
    assert proof.second_run_empty
    answered = {f for entry in (*proof.refused, *proof.cannot) for f in entry.findings}
    policies = {policy.id: policy for policy in catalog.bundled()}
    left = [entry for entry in proof.remaining if _has_remedy(policies[entry.policy])]
    assert [entry.message for entry in left if entry.fingerprint not in answered] == []


def _has_remedy(policy: Policy) -> bool:
    return bool(policy.remedy)


def _collected(objects: list[Object]) -> Collected:
    manifests = []
    for number, value in enumerate(objects):
        for document in load(emit(value).encode()):
            assert isinstance(document, Document)
            text = SourceText(f"in/{number:02}.yaml", 0, 1, document.text)
            manifests.append(Manifest(document.value, text))
    return Collected(manifests=manifests)


def _cluster(rng: random.Random) -> Iterator[Object]:
    plane = rng.choice(["istio-injection: enabled", "istio.io/dataplane-mode: ambient"])
    key, _, value = plane.partition(": ")
    for namespace in NAMESPACES:
        labels = {key: value} if namespace != "istio-system" and rng.random() < 0.8 else {}
        yield _object("v1", "Namespace", namespace, "", metadata={"labels": labels})
    for namespace in NAMESPACES[1:]:
        for name in rng.sample(NAMES, rng.randint(1, 4)):
            yield _deployment(rng, namespace, name)
            yield _service(rng, namespace, name)
    for number in range(rng.randint(0, 5)):
        yield _policy(rng, number)
    for number in range(rng.randint(0, 2)):
        yield _rule(rng, number)
    if rng.random() < 0.3:
        yield _webhook()


def _object(version: str, kind: str, name: str, namespace: str, **fields: Any) -> Object:
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    metadata.update(fields.pop("metadata", {}))
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **fields}


def _deployment(rng: random.Random, namespace: str, name: str) -> Object:
    labels = {"app": name, "tier": rng.choice("ab")}
    annotations = {}
    if rng.random() < 0.15:
        labels["sidecar.istio.io/inject"] = "false"
    if rng.random() < 0.1:
        annotations["traffic.sidecar.istio.io/excludeInboundPorts"] = "9090"
    container: Object = {
        "name": "c",
        "image": "example.test/c:1",
        "ports": [{"containerPort": port} for port in rng.sample([8080, 8443, 9090], 2)],
    }
    if rng.random() < 0.5:
        peer = f"{rng.choice(NAMES)}.{rng.choice(NAMESPACES[1:])}"
        container["env"] = [{"name": "PEER_URL", "value": f"http://{peer}:80/"}]
    template = {
        "metadata": {"labels": labels, "annotations": annotations},
        "spec": {"containers": [container]},
    }
    spec = {"selector": {"matchLabels": {"app": name}}, "template": template}
    return _object("apps/v1", "Deployment", name, namespace, spec=spec)


def _service(rng: random.Random, namespace: str, name: str) -> Object:
    ports = [{"name": "http", "port": 80, "targetPort": rng.choice([8080, 8443])}]
    spec: Object = {"selector": {"app": name}, "ports": ports}
    if rng.random() < 0.15:
        spec["type"] = "LoadBalancer"
    elif rng.random() < 0.15:
        spec["clusterIP"] = "None"
    return _object("v1", "Service", name, namespace, spec=spec)


def _policy(rng: random.Random, number: int) -> Object:
    spec: Object = {}
    mode = rng.choice(MODES)
    if mode:
        spec["mtls"] = {"mode": mode}
    if rng.random() < 0.5:
        spec["selector"] = {"matchLabels": {"app": rng.choice(NAMES)}}
        if rng.random() < 0.6:
            port = rng.choice(["8080", "8443", "80"])
            spec["portLevelMtls"] = {port: {"mode": rng.choice(MODES[:4])}}
    metadata: Object = {}
    if rng.random() < 0.5:
        metadata["creationTimestamp"] = f"2026-01-0{rng.randint(1, 3)}T00:00:00Z"
    namespace = rng.choice(NAMESPACES)
    version, kind = "security.istio.io/v1", "PeerAuthentication"
    return _object(version, kind, f"p{number}", namespace, metadata=metadata, spec=spec)


def _rule(rng: random.Random, number: int) -> Object:
    tls = {"mode": rng.choice(["DISABLE", "SIMPLE", "ISTIO_MUTUAL"])}
    policy: Object = {"tls": tls}
    if rng.random() < 0.3:
        policy = {"portLevelSettings": [{"port": {"number": 80}, "tls": tls}]}
    host = f"{rng.choice(NAMES)}.{rng.choice(NAMESPACES[1:])}.svc.cluster.local"
    spec = {"host": rng.choice([host, "*.svc.cluster.local"]), "trafficPolicy": policy}
    namespace = rng.choice(NAMESPACES)
    version, kind = "networking.istio.io/v1", "DestinationRule"
    return _object(version, kind, f"r{number}", namespace, spec=spec)


def _webhook() -> Object:
    service = {"name": "web", "namespace": "shop", "port": 80}
    webhook = {"name": "check.example.test", "clientConfig": {"service": service}}
    version, kind = "admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration"
    return _object(version, kind, "check", "", webhooks=[webhook])
