# SPDX-License-Identifier: Apache-2.0
"""Do remedies keep what every application needs of the cluster?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kguard import scan, sources
from kguard.engine.embedded import EmbeddedEngine
from kguard.model.facts.network import Facts
from kguard.model.manifests import Collected
from kguard.remediation import plan
from tests.unit.layers.network.inputs import AT, deployment, service

_DB = deployment("db", ", ports: [{containerPort: 5432}]") + service("db", 5432)
_APP = deployment("app", ", env: [{name: DB_HOST, value: db}]")


@pytest.fixture(scope="module")
def engine() -> Any:
    found = EmbeddedEngine()
    yield found
    found.close()


def fix(engine: EmbeddedEngine, folder: Path, text: str) -> plan.Plan:
    (folder / "in.yaml").write_text(text)
    options = scan.Options(at=AT, layers=("network",))
    collected = sources.collect([str(folder)], sources.Options(render="never"))

    def judge(given: Collected) -> scan.Judged:
        return scan.scan(given, options, engine)

    return plan.make(judge(collected), judge, plan.Wishes(tighten=True))


def outgoing(found: plan.Plan, name: str = "app-egress") -> list[dict[str, Any]]:
    """The rules of the policy for outgoing connections."""
    manifest = found.after.inventory.find("NetworkPolicy", "networking.k8s.io", "shop", name)
    rules: list[dict[str, Any]] = manifest.spec["egress"]
    return rules


def blocks(rules: list[dict[str, Any]], port: int) -> set[str]:
    """The address blocks that rules admit at a port."""
    return {
        peer["ipBlock"]["cidr"]
        for rule in rules
        if port in [entry["port"] for entry in rule.get("ports", ())]
        for peer in rule["to"]
        if "ipBlock" in peer
    }


def verdicts(found: plan.Plan) -> dict[str, str]:
    facts = found.after.facts["network"]
    assert isinstance(facts, Facts)
    return {f"{flow.source} > {flow.target}:{flow.port}": flow.verdict for flow in facts.flows}


def test_names_are_resolved_over_both_protocols_and_at_the_node(
    engine: EmbeddedEngine, tmp_path: Path
) -> None:
    rules = outgoing(fix(engine, tmp_path, _DB + _APP))
    for rule in rules:
        numbers = [entry["port"] for entry in rule["ports"]]
        if 53 in numbers:
            assert {entry["protocol"] for entry in rule["ports"]} == {"TCP", "UDP"}
    assert blocks(rules, 53) == {"169.254.20.10/32", "169.254.169.254/32"}


def test_resolvers_that_are_known_need_no_guess(engine: EmbeddedEngine, tmp_path: Path) -> None:
    own = "dnsPolicy: None, dnsConfig: {nameservers: [192.0.2.53]}, containers:"
    found = fix(engine, tmp_path, _DB + _APP.replace("containers:", own))
    assert blocks(outgoing(found), 53) == {"192.0.2.53/32"}
    assert verdicts(found)["shop/app > resolver 192.0.2.53:53/UDP"] == "allowed"


def test_the_api_server_may_have_a_private_address(engine: EmbeddedEngine, tmp_path: Path) -> None:
    asks = deployment("app", ", env: [{name: X, value: 'https://kubernetes.default.svc'}]")
    (rule,) = [r for r in outgoing(fix(engine, tmp_path, asks)) if r["ports"][0]["port"] == 443]
    assert rule["to"] == [{"ipBlock": {"cidr": "0.0.0.0/0", "except": ["169.254.0.0/16"]}}]
    assert [entry["port"] for entry in rule["ports"]] == [443, 6443]


def test_the_api_server_at_known_addresses(engine: EmbeddedEngine, tmp_path: Path) -> None:
    endpoints = """
---
apiVersion: v1
kind: Endpoints
metadata: {name: kubernetes, namespace: default}
subsets: [{addresses: [{ip: 10.0.0.1}], ports: [{port: 6443}]}]
"""
    asks = deployment("app", ", env: [{name: X, value: 'https://kubernetes.default.svc'}]")
    found = fix(engine, tmp_path, asks + endpoints)
    assert blocks(outgoing(found), 6443) == {"10.0.0.1/32"}
    assert verdicts(found)["shop/app > the API server:6443/TCP"] == "allowed"


def test_webhooks_and_exporters_are_kept(engine: EmbeddedEngine, tmp_path: Path) -> None:
    text = """
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: hook}
webhooks: [{name: a.b.c, clientConfig: {service: {name: db, namespace: shop, port: 5432}}}]
"""
    app = deployment("app", ", env: [{name: FLUENT_HOST, value: 'fluentd.logging:24224'}]")
    found = fix(engine, tmp_path, _DB + app + text)
    assert verdicts(found)["the API server > shop/db:5432/TCP"] == "allowed"
    # The port of the Service is known, not the port of the pods behind it.
    (rule,) = [rule for rule in outgoing(found) if "ports" not in rule]
    assert rule["to"] == [
        {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "logging"}}}
    ]
    assert verdicts(found)["shop/app > fluentd.logging:24224/TCP"] == "allowed"


def test_ambient_pods_keep_their_tunnel_and_their_probes(
    engine: EmbeddedEngine, tmp_path: Path
) -> None:
    labels = "{istio.io/dataplane-mode: ambient}"
    text = f"""
---
{{apiVersion: v1, kind: Namespace, metadata: {{name: shop, labels: {labels}}}}}
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {{name: default, namespace: istio-system}}
spec: {{mtls: {{mode: STRICT}}}}
"""
    probe = ", ports: [{containerPort: 5432}], livenessProbe: {tcpSocket: {port: 5432}}"
    db = _DB.replace(", ports: [{containerPort: 5432}]", probe, 1)
    found = fix(engine, tmp_path, db + _APP + text)
    kept = verdicts(found)
    assert kept["shop/app > shop/db:15008/TCP"] == "allowed"
    assert kept["the kubelet (through the ambient mesh) > shop/db:5432/TCP"] == "allowed"
    assert found.proof.flows.allowed_after == found.proof.flows.intended
