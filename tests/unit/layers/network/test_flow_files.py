# SPDX-License-Identifier: Apache-2.0
"""Are the files of the user read: declared connections, and those that were seen?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kguard import sources
from kguard.cli.schemas import schema
from kguard.errors import ConfigError, SourceError
from kguard.inventory import build
from kguard.layers.network import LAYER
from kguard.model.facts.network import Facts
from kguard.model.layer import Request
from kguard.sources.flows import add_flows
from tests.unit.layers.network.inputs import AT, bases, deployment, flows, policy, service

_APPS = (
    deployment("db", ", ports: [{containerPort: 5432}]")
    + service("db", 80, "5432")
    + deployment("app")
)


def facts_with(folder: Path, text: str, *given: str) -> Facts:
    (folder / "in.yaml").write_text(text)
    collected = sources.collect([str(folder)], sources.Options(render="never"))
    add_flows([str(folder / name) for name in given], collected)
    found = LAYER.facts(build(collected), Request(scope="app", at=AT))
    assert isinstance(found, Facts)
    return found


def lines(folder: Path, *events: Any) -> str:
    text = "\n".join(e if isinstance(e, str) else json.dumps(e) for e in events)
    (folder / "seen.json").write_text(text + "\n")
    return "seen.json"


def test_declared_flows_are_found_beside_the_manifests(tmp_path: Path) -> None:
    (tmp_path / "kguard-flows.yaml").write_text("""\
flows:
- from: {namespace: shop, workload: app}
  to: {namespace: shop, workload: db}
  ports: [5432]
  why: reports
- from: {namespace: monitoring, labels: {app: prometheus}}
  to: {namespace: shop, labels: {app: db}}
  ports: [9187/TCP, 53/UDP]
- from: {namespace: shop, workload: app}
  to: {cidr: 192.0.2.0/24}
  ports: [443]
- from: {outside: true}
  to: {workload: app}
  ports: [8080]
- from: {namespace: shop, workload: app}
  to: {host: api.example.com}
  ports: [443]
""")
    found = facts_with(tmp_path, _APPS)
    declared = {key for key, basis in bases(found).items() if basis == "declared"}
    assert declared == {
        "shop/app > shop/db:5432/TCP",
        "pods with app=prometheus of monitoring > shop/db:9187/TCP",
        "pods with app=prometheus of monitoring > shop/db:53/UDP",
        "shop/app > 192.0.2.0/24:443/TCP",
        "clients outside the cluster > shop/app:8080/TCP",
        "shop/app > api.example.com:443/TCP",
    }
    (place,) = {f.because[-1] for f in found.flows if f.port == "9187/TCP"}
    assert "kguard-flows.yaml" in place.ref
    assert place.pointer == "/flows/1"


def test_a_policy_that_blocks_a_declared_flow_is_seen(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(
        "flows: [{from: {namespace: shop, workload: app}, to: {workload: db}, ports: [5432]}]"
    )
    closed = policy("p", "{podSelector: {matchLabels: {app: db}}}")
    found = facts_with(tmp_path, _APPS + closed, "mine.yaml")
    assert flows(found)["shop/app > shop/db:5432/TCP"] == "blocked"
    assert "shop/app > shop/db:5432/TCP" not in flows(facts_with(tmp_path, _APPS + closed))


@pytest.mark.parametrize(
    "text",
    ["flows: [{from: {}, to: {}}]", "flow: []", "flows: [{from: {pod: x}, to: {}, ports: []}]"],
)
def test_wrong_declarations_are_errors(tmp_path: Path, text: str) -> None:
    (tmp_path / "kguard-flows.yaml").write_text(text)
    with pytest.raises(ConfigError) as error:
        facts_with(tmp_path, _APPS)
    assert "kguard schema flows" in error.value.hint


def test_files_that_are_not_there_are_errors(tmp_path: Path) -> None:
    with pytest.raises(SourceError):
        facts_with(tmp_path, _APPS, "missing.json")


def test_the_schema_is_published() -> None:
    assert "FlowsFile" in json.dumps(schema("flows"))


def _hubble(**fields: Any) -> dict[str, Any]:
    flow = {
        "verdict": "FORWARDED",
        "source": {"namespace": "shop", "pod_name": "app-5d9c7b-x2x9z", "labels": ["k8s:app=app"]},
        "destination": {"namespace": "shop", "pod_name": "db-0", "labels": ["k8s:app=db"]},
        "l4": {"TCP": {"source_port": 40000, "destination_port": 5432}},
        "IP": {"source": "10.0.0.1", "destination": "10.0.0.2"},
    }
    return {"flow": {**flow, **fields}, "node_name": "n1"}


def test_hubble(tmp_path: Path) -> None:
    world = {"labels": ["reserved:world"]}
    away = {
        "namespace": "logging",
        "pod_name": "fluentd-x",
        "labels": [
            "k8s:app=fluentd",
            "k8s:pod-template-hash=1",
            "k8s:io.kubernetes.pod.namespace=l",
        ],
    }
    name = lines(
        tmp_path,
        _hubble(),
        _hubble(is_reply=True, l4={"TCP": {"destination_port": 1}}),
        _hubble(verdict="DROPPED", l4={"TCP": {"destination_port": 2}}),
        _hubble(destination=world, destination_names=["api.example.com"]),
        _hubble(destination=away, l4={"UDP": {"destination_port": 24224}}),
        "not json",
    )
    found = facts_with(tmp_path, _APPS, name)
    assert {key for key, basis in bases(found).items() if basis == "observed"} == {
        "shop/app > shop/db:5432/TCP",
        "shop/app > api.example.com:5432/TCP",
        "shop/app > logging/fluentd-x:24224/UDP",
    }
    first = next(f for f in found.flows if f.target == "shop/db")
    assert first.because[-1].ref.endswith("seen.json")
    assert first.because[-1].line == 1


def test_falco(tmp_path: Path) -> None:
    text = _APPS.replace("type: ClusterIP", "type: ClusterIP\n  clusterIP: 10.96.0.7")
    fields = {"k8s.ns.name": "shop", "k8s.pod.name": "app-1", "evt.type": "connect"}
    name = lines(
        tmp_path,
        {"rule": "x", "output_fields": {**fields, "fd.sip": "10.96.0.7", "fd.sport": 80}},
        {"rule": "x", "output_fields": {**fields, "fd.sip": "192.0.2.1", "fd.sport": 443}},
    )
    found = bases(facts_with(tmp_path, text, name))
    assert found["shop/app > shop/db:5432/TCP"] == "observed"
    assert found["shop/app > 192.0.2.1:443/TCP"] == "observed"


def test_istio(tmp_path: Path) -> None:
    labels = {
        "source_workload": "app",
        "source_workload_namespace": "shop",
        "destination_workload": "db",
        "destination_workload_namespace": "shop",
        "destination_service": "db.shop.svc.cluster.local",
    }
    scraped = ",".join(f'{key}="{value}"' for key, value in labels.items())
    asked = {"data": {"result": [{"metric": {"__name__": "istio_requests_total", **labels}}]}}
    logged = {
        "upstream_cluster": "outbound|80||db.shop.svc.cluster.local",
        "kubernetes": {"namespace_name": "shop", "pod_name": "app-1-2"},
    }
    for seen in (f"istio_requests_total{{{scraped}}} 7", asked, logged):
        found = facts_with(tmp_path, _APPS, lines(tmp_path, seen))
        assert bases(found)["shop/app > shop/db:5432/TCP"] == "observed"


def test_what_was_seen_is_not_cut(tmp_path: Path) -> None:
    closed = policy("p", "{podSelector: {matchLabels: {app: db}}}")
    found = facts_with(tmp_path, _APPS + closed, lines(tmp_path, _hubble()))
    assert flows(found)["shop/app > shop/db:5432/TCP"] == "blocked"
