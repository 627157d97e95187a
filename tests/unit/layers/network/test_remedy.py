# SPDX-License-Identifier: Apache-2.0
"""Do the remedies write what closes, keep what is meant, and refuse where nobody knows?"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kguard import scan, sources
from kguard.engine.embedded import EmbeddedEngine
from kguard.model.manifests import Collected, Manifest
from kguard.remediation import plan
from tests.unit.layers.network.inputs import AT, deployment, policy, service

Fix = Callable[..., plan.Plan]

_DB = deployment("db", ", ports: [{containerPort: 5432}]") + service("db", 5432)
_APP = deployment("app", ", env: [{name: DB_HOST, value: db}]")


@pytest.fixture(scope="module")
def engine() -> Any:
    found = EmbeddedEngine()
    yield found
    found.close()


@pytest.fixture
def fix(engine: EmbeddedEngine, tmp_path: Path) -> Fix:
    def run(text: str, *, tighten: bool = False) -> plan.Plan:
        (tmp_path / "in.yaml").write_text(text)
        options = scan.Options(at=AT, layers=("network",))
        collected = sources.collect([str(tmp_path)], sources.Options(render="never"))

        def again(given: Collected) -> scan.Judged:
            return scan.scan(given, options, engine)

        return plan.make(again(collected), again, plan.Wishes(tighten=tighten))

    return run


def made(found: plan.Plan, name: str) -> dict[str, Any]:
    """The spec of a policy after the remedy."""
    manifest = found.after.inventory.find("NetworkPolicy", "networking.k8s.io", "shop", name)
    assert isinstance(manifest, Manifest)
    return manifest.spec


def refusals(found: plan.Plan) -> str:
    return "\n".join(f"{entry.reason} ({entry.counterexample})" for entry in found.proof.refused)


def test_callers_are_named_by_what_their_controller_selects(fix: Fix) -> None:
    text = _DB + _APP.replace("labels: {app: app}", "labels: {app: app, pod-template-hash: x1}")
    spec = made(fix(text), "db-ingress")
    assert spec == {
        "podSelector": {"matchLabels": {"app": "db"}},
        "policyTypes": ["Ingress"],
        "ingress": [
            {
                "from": [{"podSelector": {"matchLabels": {"app": "app"}}}],
                "ports": [{"protocol": "TCP", "port": 5432}],
            }
        ],
    }


def test_pods_of_a_live_cluster_are_not_named_by_a_hash(fix: Fix) -> None:
    env = "containers: [{name: c, image: x, env: [{name: DB_HOST, value: db}]}]"
    labels = "labels: {app: app, pod-template-hash: x1}"
    metadata = f"{{name: app-x1-z, namespace: shop, {labels}}}"
    pod = f"\n---\n{{apiVersion: v1, kind: Pod, metadata: {metadata}, spec: {{{env}}}}}\n"
    (peer,) = made(fix(_DB + pod), "db-ingress")["ingress"][0]["from"]
    assert peer == {"podSelector": {"matchLabels": {"app": "app"}}}


def test_callers_of_other_namespaces_are_named_with_their_namespace(fix: Fix) -> None:
    other = deployment("app", ", env: [{name: DB, value: 'db.shop:5432'}]", namespace="front")
    (peer,) = made(fix(_DB + other), "db-ingress")["ingress"][0]["from"]
    assert peer["namespaceSelector"] == {"matchLabels": {"kubernetes.io/metadata.name": "front"}}
    assert peer["podSelector"] == {"matchLabels": {"app": "app"}}


def test_a_service_without_known_callers_is_left_alone(fix: Fix) -> None:
    found = fix(_DB)
    assert "nothing in the input tells who calls it" in refusals(found)
    assert found.after.inventory.of("NetworkPolicy", "networking.k8s.io") == []


def test_a_service_without_known_callers_is_closed_on_the_users_word(fix: Fix) -> None:
    assert made(fix(_DB, tighten=True), "default-deny-ingress") == {
        "podSelector": {},
        "policyTypes": ["Ingress"],
    }


def test_prometheus_is_admitted_by_its_label_where_its_place_is_not_known(fix: Fix) -> None:
    asks = "labels: {app: db}, annotations: {prometheus.io/scrape: 'true', prometheus.io/port: '9'}"
    found = fix(_DB.replace("labels: {app: db}", asks, 1) + _APP)
    rule = next(r for r in made(found, "db-ingress")["ingress"] if r["ports"][0]["port"] == 9)
    labels = {"matchLabels": {"app.kubernetes.io/name": "prometheus"}}
    assert rule["from"] == [{"namespaceSelector": {}, "podSelector": labels}]


def test_pods_without_labels_are_given_one(fix: Fix) -> None:
    env = "containers: [{name: c, image: x, env: [{name: DB_HOST, value: db}]}]"
    metadata = "{name: bare, namespace: shop}"
    pod = f"\n---\n{{apiVersion: v1, kind: Pod, metadata: {metadata}, spec: {{{env}}}}}\n"
    found = fix(_DB + _APP + pod, tighten=True)
    bare = found.after.inventory.find("Pod", "", "shop", "bare")
    assert bare.labels == {"app.kubernetes.io/name": "bare"}
    peers = made(found, "db-ingress")["ingress"][0]["from"]
    assert {"podSelector": {"matchLabels": {"app.kubernetes.io/name": "bare"}}} in peers
    assert found.proof.remaining == ()


def test_workloads_with_equal_rules_share_a_policy(fix: Fix) -> None:
    more = "".join(
        deployment(name, ", ports: [{containerPort: 80}]") + service(name, 80)
        for name in ("a", "b", "c")
    )
    app = deployment("app", ", env: [{name: X, value: 'a:80,b:80,c:80'}]")
    found = fix(more + app)
    selector = made(found, "a-and-2-more-ingress")["podSelector"]
    assert selector == {
        "matchExpressions": [{"key": "app", "operator": "In", "values": ["a", "b", "c"]}]
    }
    assert [p.name for p in found.after.inventory.of("NetworkPolicy", "networking.k8s.io")] == [
        "a-and-2-more-ingress",
        "default-deny-ingress",
    ]


def test_pods_of_a_job_are_named_by_the_job(fix: Fix) -> None:
    job = """
---
apiVersion: batch/v1
kind: Job
metadata: {name: load, namespace: shop}
spec: {template: {spec: {containers: [{name: main, image: x, env: [{name: DB_HOST, value: db}]}]}}}
"""
    (peer,) = made(fix(_DB + job), "db-ingress")["ingress"][0]["from"]
    assert peer == {"podSelector": {"matchLabels": {"batch.kubernetes.io/job-name": "load"}}}


def test_a_rule_that_admits_everyone_is_taken_out(fix: Fix) -> None:
    wide = "{podSelector: {matchLabels: {app: db}}, policyTypes: [Ingress], ingress: [{}]}"
    found = fix(_DB + _APP + policy("wide", wide))
    assert made(found, "wide")["ingress"] == []
    assert made(found, "db-ingress")["ingress"]
    assert found.proof.second_run_empty


def test_of_a_rule_with_several_peers_only_the_wide_one_is_taken_out(fix: Fix) -> None:
    peers = "[{podSelector: {matchLabels: {app: app}}}, {namespaceSelector: {}}]"
    wide = f"{{podSelector: {{matchLabels: {{app: db}}}}, ingress: [{{from: {peers}}}]}}"
    rule = made(fix(_DB + _APP + policy("wide", wide)), "wide")["ingress"][0]
    assert rule["from"] == [{"podSelector": {"matchLabels": {"app": "app"}}}]


def test_egress_is_restricted_on_the_users_word_only(fix: Fix) -> None:
    assert "what else these workloads connect to" in refusals(fix(_DB + _APP))
    rules = made(fix(_DB + _APP, tighten=True), "app-egress")["egress"]
    ports = [{(p["protocol"], p["port"]) for p in rule["ports"]} for rule in rules]
    assert {("TCP", 53), ("UDP", 53)} in ports
    assert {("TCP", 5432)} in ports


def test_hosts_outside_are_admitted_without_the_addresses_of_the_cluster(fix: Fix) -> None:
    app = deployment("app", ", env: [{name: X, value: 'https://api.example.com'}]")
    rules = made(fix(app, tighten=True), "app-egress")["egress"]
    web = [rule for rule in rules if {"protocol": "TCP", "port": 443} in rule["ports"]]
    (block,) = [p["ipBlock"] for rule in web for p in rule["to"] if "ipBlock" in p]
    assert block["cidr"] == "0.0.0.0/0"
    assert "169.254.0.0/16" in block["except"]


def test_a_direction_that_was_forgotten_is_put_in_force(fix: Fix) -> None:
    forgotten = (
        "{podSelector: {matchLabels: {app: app}}, policyTypes: [Ingress],"
        " egress: [{to: [{podSelector: {matchLabels: {app: db}}}]}]}"
    )
    found = fix(_DB + _APP + policy("forgotten", forgotten))
    assert made(found, "forgotten")["policyTypes"] == ["Ingress", "Egress"]
    assert made(found, "app-intended-egress")["egress"]
    assert found.proof.cuts == ()


def test_the_default_of_a_namespace_waits_until_nobody_unknown_is_cut(fix: Fix) -> None:
    names = [
        m.name for m in fix(_DB + _APP).after.inventory.of("NetworkPolicy", "networking.k8s.io")
    ]
    assert "default-deny-ingress" in names
    other = fix(_DB + _APP + deployment("x", ", ports: [{containerPort: 1}]") + service("x", 1))
    names = [m.name for m in other.after.inventory.of("NetworkPolicy", "networking.k8s.io")]
    assert "default-deny-ingress" not in names


def test_new_policies_do_not_take_the_names_of_others(fix: Fix) -> None:
    found = fix(_DB + _APP + policy("db-ingress", "{podSelector: {matchLabels: {app: z}}}"))
    assert made(found, "db-ingress-2")["ingress"]
