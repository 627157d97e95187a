# SPDX-License-Identifier: Apache-2.0
"""Are intended connections found, and judged rightly?"""

from __future__ import annotations

import pytest

from kguard.inventory.mentions import mentions
from tests.unit.layers.network.inputs import bases, deployment, facts_of, flows, policy, service

_DB = deployment("db", ", ports: [{containerPort: 5432, name: pg}]") + service("db", 5432, "pg")
_WEB = deployment("web", ", ports: [{containerPort: 8080}]") + service("web", 80, "8080")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("URL", "postgres://user:secret@db:5432/orders?sslmode=require"),
        ("X", "db.shop:5432"),
        ("X", "jdbc:postgresql://db.shop.svc.cluster.local:5432/orders"),
        ("BROKERS", "other:1,db:5432"),
        ("TARGET", "dns:///db.shop.svc:5432"),
        ("DB_HOST", "db"),
        ("X", "db.shop.svc.cluster.local."),
        ("MONGO", "mongodb://db-0.db.shop.svc.cluster.local:5432,db-1.db:5432/?replicaSet=rs"),
    ],
)
def test_settings_name_services(key: str, value: str) -> None:
    text = _DB + deployment("app", f", env: [{{name: {key}, value: '{value}'}}]")
    assert flows(facts_of(text))["shop/app > shop/db:5432/TCP"] == "allowed"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("OTEL_SERVICE_NAME", "db"),
        ("otel.service.name", "db"),
        ("DD_SERVICE", "db"),
        ("MODE", "db"),
        ("X", "db:99999999"),
        ("X", "10.0.0.1:5432"),
        ("X", "db.other:5432"),
        ("X", ""),
    ],
)
def test_other_settings_name_none(key: str, value: str) -> None:
    text = _DB + deployment("app", f", env: [{{name: {key}, value: '{value}'}}]")
    assert not [flow for flow in flows(facts_of(text)) if "shop/db" in flow]


@pytest.mark.parametrize(
    "spec",
    [
        ", args: ['--database=db:5432']",
        ", command: [run, 'postgres://db:5432']",
        ", envFrom: [{configMapRef: {name: settings}}]",
        ", env: [{name: X, valueFrom: {configMapKeyRef: {name: settings, key: url}}}]",
    ],
)
def test_settings_stand_in_many_places(spec: str) -> None:
    settings = """
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: shop}
data: {url: 'db:5432'}
"""
    found = flows(facts_of(_DB + settings + deployment("app", spec)))
    assert "shop/app > shop/db:5432/TCP" in found


def test_hosts_outside_the_cluster_are_flows_too() -> None:
    found = facts_of(deployment("app", ", env: [{name: X, value: 'https://api.example.com/v1'}]"))
    assert bases(found)["shop/app > api.example.com:443/TCP"] == "outside"


def test_long_strings_are_not_searched_forever() -> None:
    assert len(list(mentions("X", "a" * 300_000))) < 10_000


def test_whoever_names_a_host_needs_dns() -> None:
    text = _DB + deployment("app", ", env: [{name: DB_HOST, value: db}]")
    closed = policy("p", "{podSelector: {matchLabels: {app: app}}, policyTypes: [Egress]}")
    assert flows(facts_of(text))["shop/app > cluster DNS:53/UDP"] == "allowed"
    assert flows(facts_of(text + closed))["shop/app > cluster DNS:53/UDP"] == "blocked"


def test_each_side_can_block() -> None:
    text = _DB + deployment("app", ", env: [{name: DB_HOST, value: db}]")
    source = policy("p", "{podSelector: {matchLabels: {app: app}}, policyTypes: [Egress]}")
    target = policy("q", "{podSelector: {matchLabels: {app: db}}}")
    for extra, cut in ((source, "source"), (target, "target"), (source + target, "both")):
        found = facts_of(text + extra).flows
        assert [f.cut_by for f in found if f.target == "shop/db"] == [cut]


def test_ingress_controllers_are_known_by_their_class() -> None:
    ingress = """
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web, namespace: shop}
spec: {ingressClassName: CLASS, defaultBackend: {service: {name: web, port: {number: 80}}}}
"""
    rule = policy(
        "p",
        "{podSelector: {}, ingress: [{from: [{namespaceSelector: {matchLabels:"
        " {kubernetes.io/metadata.name: ingress-nginx}}}]}]}",
    )
    known = flows(facts_of(_WEB + ingress.replace("CLASS", "nginx") + rule))
    assert known["ingress-nginx > shop/web:8080/TCP"] == "allowed"
    other = flows(facts_of(_WEB + ingress.replace("CLASS", "haproxy") + rule))
    assert other["the ingress controller > shop/web:8080/TCP"] == "unknown"


def test_routes_of_gateways() -> None:
    route = """
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge, namespace: infra}
spec: {gatewayClassName: istio}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: web, namespace: shop}
spec:
  parentRefs: [{name: edge, namespace: infra}]
  rules: [{backendRefs: [{name: web, port: 80}]}]
"""
    found = facts_of(_WEB + route)
    assert bases(found)["gateway edge > shop/web:8080/TCP"] == "gateway"


def test_published_services_are_meant_for_clients_outside() -> None:
    text = deployment("web", ", ports: [{containerPort: 8080}]")
    text += service("web", 80, "8080", kind="LoadBalancer")
    closed = policy("p", "{podSelector: {}}")
    office = policy("q", "{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 192.0.2.0/24}}]}]}")
    key = "clients outside the cluster > shop/web:8080/TCP"
    assert flows(facts_of(text))[key] == "allowed"
    assert flows(facts_of(text + closed))[key] == "blocked"
    assert flows(facts_of(text + closed + office))[key] == "allowed"


def test_knative_needs_its_queue_proxy() -> None:
    text = """
apiVersion: serving.knative.dev/v1
kind: Service
metadata: {name: hello, namespace: shop}
spec: {template: {spec: {containers: [{image: x}]}}}
---
{apiVersion: v1, kind: Namespace, metadata: {name: kourier-system}}
"""
    caller = deployment("app", ", env: [{name: U, value: 'http://hello.shop.svc.cluster.local'}]")
    found = flows(facts_of(text + caller))
    assert found["Knative's activator > shop/hello:8012/TCP"] == "allowed"
    assert found["the Kourier gateway > shop/hello:8012/TCP"] == "allowed"
    assert found["Knative's autoscaler > shop/hello:9090/TCP"] == "allowed"
    assert found["shop/app > the Kourier gateway:8081/TCP"] == "allowed"


def test_events_are_delivered_to_subscribers() -> None:
    text = """
---
apiVersion: eventing.knative.dev/v1
kind: Trigger
metadata: {name: t, namespace: shop}
spec: {broker: default, subscriber: {ref: {apiVersion: v1, kind: Service, name: web}}}
---
apiVersion: sources.knative.dev/v1
kind: KafkaSource
metadata: {name: k, namespace: shop}
spec:
  bootstrapServers: ['db:5432']
  sink: {ref: {apiVersion: v1, kind: Service, name: web}}
"""
    found = bases(facts_of(_WEB + _DB + text))
    assert found["Knative's broker filter > shop/web:8080/TCP"] == "eventing"
    assert found["the KafkaSource dispatcher > shop/web:8080/TCP"] == "eventing"
    assert found["the KafkaSource dispatcher > shop/db:5432/TCP"] == "kafka"


def test_the_api_server_is_no_pod() -> None:
    text = """
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: hook}
webhooks: [{name: a.b.c, clientConfig: {service: {name: web, namespace: shop, port: 80}}}]
"""
    pods = policy("p", "{podSelector: {}, ingress: [{from: [{namespaceSelector: {}}]}]}")
    blocks = policy("q", "{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8}}]}]}")
    key = "the API server > shop/web:8080/TCP"
    assert flows(facts_of(_WEB + text + pods))[key] == "blocked"
    assert flows(facts_of(_WEB + text + pods + blocks))[key] == "allowed"


def test_scraping_is_welcome() -> None:
    metadata = (
        "metadata: {annotations: {prometheus.io/scrape: 'true', prometheus.io/port: '9100'}, "
    )
    text = _WEB.replace("metadata: {labels: {app: web", metadata + "labels: {app: web", 1)
    assert bases(facts_of(text))["Prometheus > shop/web:9100/TCP"] == "metrics"


def test_kafka_brokers_need_not_be_in_the_input() -> None:
    text = """
apiVersion: sources.knative.dev/v1
kind: KafkaSource
metadata: {name: k, namespace: shop}
spec:
  bootstrapServers: ['my-kafka.kafka:9092,kafka.example.com:9093']
  sink: {ref: {apiVersion: eventing.knative.dev/v1, kind: Broker, name: default}}
"""
    found = facts_of(text)
    assert flows(found) == {
        "the KafkaSource dispatcher > Knative's broker ingress:8080/TCP": "allowed",
        "the KafkaSource dispatcher > kafka.example.com:9093/TCP": "allowed",
        "the KafkaSource dispatcher > my-kafka.kafka:9092/TCP": "allowed",
    }
    assert {flow.ref.kind for flow in found.flows} == {"KafkaSource"}
    closed = facts_of(
        text + policy("p", "{podSelector: {}, policyTypes: [Egress]}", "knative-eventing")
    )
    assert set(flows(closed).values()) == {"blocked"}


def test_a_policy_that_cuts_the_activator_from_the_autoscaler_is_seen() -> None:
    """An operator once shipped such a set of policies."""
    text = deployment("activator", namespace="knative-serving")
    text += deployment("autoscaler", namespace="knative-serving")
    closed = policy("p", "{podSelector: {matchLabels: {app: autoscaler}}}", "knative-serving")
    key = "knative-serving/activator > knative-serving/autoscaler:8080/TCP"
    assert flows(facts_of(text))[key] == "allowed"
    assert flows(facts_of(text + closed))[key] == "blocked"


def test_istio_policies_that_forget_knatives_local_gateway_are_seen() -> None:
    """Istio's chart opens the ports of the gateway's own Service, not 8081."""
    text = """
apiVersion: serving.knative.dev/v1
kind: Service
metadata: {name: hello, namespace: shop}
spec: {template: {spec: {containers: [{image: x}]}}}
---
{apiVersion: v1, kind: Namespace, metadata: {name: istio-system}}
"""
    text += deployment("app", ", env: [{name: U, value: 'http://hello.shop.svc.cluster.local'}]")
    chart = policy(
        "istio-ingressgateway",
        "{podSelector: {matchLabels: {app: istio-ingressgateway, istio: ingressgateway}},"
        " policyTypes: [Ingress, Egress], ingress: [{ports: [{port: 15021}, {port: 8080}]}],"
        " egress: [{}]}",
        "istio-system",
    )
    key = "shop/app > the Istio ingress gateway:8081/TCP"
    assert flows(facts_of(text))[key] == "allowed"
    assert flows(facts_of(text + chart))[key] == "blocked"


def test_what_blocks_pods_that_are_not_in_the_input_is_named():
    found = facts_of("""
kind: Deployment
apiVersion: apps/v1
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: c}]}}
---
kind: Service
apiVersion: v1
metadata: {name: web, namespace: shop}
spec: {selector: {app: web}, ports: [{port: 8080}]}
---
kind: Gateway
apiVersion: gateway.networking.k8s.io/v1
metadata: {name: edge, namespace: shop}
spec: {gatewayClassName: istio, listeners: [{name: http, port: 80, protocol: HTTP}]}
---
kind: HTTPRoute
apiVersion: gateway.networking.k8s.io/v1
metadata: {name: web, namespace: shop}
spec: {parentRefs: [{name: edge}], rules: [{backendRefs: [{name: web, port: 8080}]}]}
---
kind: NetworkPolicy
apiVersion: networking.k8s.io/v1
metadata: {name: deny-all, namespace: shop}
spec: {podSelector: {}, policyTypes: [Egress]}
""")
    flow = next(flow for flow in found.flows if flow.basis == "gateway")
    assert (flow.verdict, flow.cut_by) == ("blocked", "source")
    deciding = [entry for entry in flow.because if entry.role != "related"]
    assert [entry.note for entry in deciding] == ["restricts the outgoing traffic of gateway edge"]
