# SPDX-License-Identifier: Apache-2.0
"""Is every kind of object that implies a connection read, and named as the reason?"""

from __future__ import annotations

import pytest

from kguard.model.facts.network import Facts
from tests.unit.layers.network.inputs import (
    bases,
    deployment,
    facts_of,
    flows,
    policy,
    service,
)

_DB = deployment("db", ", ports: [{containerPort: 5432, name: pg}]") + service("db", 5432, "pg")
_WEB = deployment("web", ", ports: [{containerPort: 8080, name: http}]") + service(
    "web", 80, "8080"
)

_INJECTED = """
---
{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {istio-injection: enabled}}}
"""
_AMBIENT = _INJECTED.replace("istio-injection: enabled", "istio.io/dataplane-mode: ambient")


def reason(found: Facts, key: str) -> tuple[str, str]:
    """The object and the field that imply a flow."""
    for flow in found.flows:
        if f"{flow.source} > {flow.target}:{flow.port}" == key:
            return flow.because[-1].ref, flow.because[-1].pointer
    raise AssertionError(f"no flow {key}; there are {sorted(bases(found))}")


def manifest(kind: str, api: str, body: str, name: str = "x", namespace: str = "shop") -> str:
    metadata = f"{{name: {name}, namespace: {namespace}}}"
    return f"\n---\napiVersion: {api}\nkind: {kind}\nmetadata: {metadata}\n{body}\n"


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ("{name: DB_HOST, value: db}, {name: DB_PORT, value: '5432'}", "shop/db:5432/TCP"),
        (
            "{name: DB_HOST, value: db.corp.example}, {name: DB_PORT, value: '5432'}",
            "db.corp.example:5432/TCP",
        ),
        ("{name: X, value: 'fluentd.logging.svc:24224'}", "fluentd.logging.svc:24224/TCP"),
        ("{name: X, value: 'jaeger.tracing:14268'}", "jaeger.tracing:14268/TCP"),
        ("{name: X, value: 'https://kubernetes.default.svc'}", "the API server:6443/TCP"),
        ("{name: X, value: '192.0.2.7:5432'}", "192.0.2.7:5432/TCP"),
        ("{name: X, value: 'postgresql://db.corp.example/x'}", "db.corp.example:5432/TCP"),
        (
            "{name: X, value: 'http://broker-ingress.knative-eventing.svc.cluster.local/shop/b'}",
            "Knative's broker ingress:8080/TCP",
        ),
        ("{name: X, value: 'my-kafka-bootstrap.kafka:9092'}", "Kafka my:9092/TCP"),
    ],
)
def test_settings_lead_to(settings: str, key: str) -> None:
    found = facts_of(_DB + deployment("app", f", env: [{settings}]"))
    ref, place = reason(found, f"shop/app > {key}")
    assert ref == "Deployment.apps/shop/app"
    assert place == "/spec/template/spec/containers/0/env/0/value"


def test_a_service_without_a_selector_leads_to_its_endpoints() -> None:
    text = manifest("Service", "v1", "spec: {ports: [{port: 5432}]}", "old")
    text += manifest(
        "Endpoints", "v1", "subsets: [{addresses: [{ip: 192.0.2.9}], ports: [{port: 5432}]}]", "old"
    )
    text += deployment("app", ", env: [{name: DB_HOST, value: old}]")
    key = "shop/app > old:5432/TCP"
    assert flows(facts_of(text))[key] == "allowed"
    block = "{podSelector: {}, egress: [{to: [{ipBlock: {cidr: CIDR}}]}], policyTypes: [Egress]}"
    right, wrong = block.replace("CIDR", "192.0.2.0/24"), block.replace("CIDR", "198.51.100.0/24")
    assert flows(facts_of(text + policy("p", right)))[key] == "allowed"
    assert flows(facts_of(text + policy("p", wrong)))[key] == "blocked"


def test_projected_config_maps_are_settings() -> None:
    text = _DB + manifest("ConfigMap", "v1", "data: {app.yaml: 'url: db:5432'}", "settings")
    app = (
        deployment("app")
        .replace(
            "containers:",
            "volumes: [{projected: {sources: [{configMap: {name: settings}}]}}], containers:",
        )
        .replace("{volumes", "{volumes")
    )
    found = facts_of(text + app)
    assert reason(found, "shop/app > shop/db:5432/TCP") == (
        "ConfigMap/shop/settings",
        "/data/app.yaml",
    )


@pytest.mark.parametrize(
    ("kind", "version"),
    [("HTTPRoute", "v1"), ("GRPCRoute", "v1"), ("TLSRoute", "v1alpha2"), ("TCPRoute", "v1alpha2")],
)
def test_gateway_api_routes(kind: str, version: str) -> None:
    body = "spec: {parentRefs: [{name: edge}], rules: [{backendRefs: [{name: web, port: 80}]}]}"
    text = manifest(kind, f"gateway.networking.k8s.io/{version}", body)
    found = facts_of(_WEB + text)
    place = reason(found, "gateway edge > shop/web:8080/TCP")
    assert place == (f"{kind}.gateway.networking.k8s.io/shop/x", "/spec/rules/0/backendRefs/0")


def test_mirrored_requests_reach_their_backend() -> None:
    mirror = "{type: RequestMirror, requestMirror: {backendRef: {name: web, port: 80}}}"
    body = f"spec: {{parentRefs: [{{name: edge}}], rules: [{{filters: [{mirror}]}}]}}"
    found = facts_of(_WEB + manifest("HTTPRoute", "gateway.networking.k8s.io/v1", body))
    assert bases(found)["gateway edge > shop/web:8080/TCP"] == "gateway"


def test_istio_gateways_lead_to_services_and_hosts_outside() -> None:
    gateway = manifest(
        "Gateway", "networking.istio.io/v1", "spec: {selector: {istio: egressgateway}}", "out"
    )
    entry = manifest(
        "ServiceEntry",
        "networking.istio.io/v1",
        "spec: {hosts: [api.example.com], ports: [{number: 443, name: tls, protocol: TLS}],"
        " endpoints: [{address: 192.0.2.5}], resolution: STATIC}",
        "api",
    )
    route = "{destination: {host: HOST, port: {number: PORT}}}"
    virtual = manifest(
        "VirtualService",
        "networking.istio.io/v1",
        "spec: {hosts: ['*'], gateways: [out], http: [{route: ["
        + route.replace("HOST", "web").replace("PORT", "80")
        + "]}], tls: [{route: ["
        + route.replace("HOST", "api.example.com").replace("PORT", "443")
        + "]}]}",
    )
    pods = deployment("egress", namespace="istio-system", labels=", istio: egressgateway")
    found = facts_of(_WEB + gateway + entry + virtual + pods)
    assert bases(found)["istio-system/egress > shop/web:8080/TCP"] == "gateway"
    assert bases(found)["istio-system/egress > api.example.com:443/TCP"] == "outside"


def test_mesh_routes_lead_callers_elsewhere() -> None:
    virtual = manifest(
        "VirtualService",
        "networking.istio.io/v1",
        "spec: {hosts: [db], tcp: [{route: [{destination: {host: web}}]}]}",
    )
    app = deployment("app", ", env: [{name: DB_HOST, value: db}]")
    found = bases(facts_of(_DB + _WEB + virtual + app))
    assert {"shop/app > shop/db:5432/TCP", "shop/app > shop/web:8080/TCP"} <= set(found)


def test_a_service_entry_for_its_own_namespace_is_meant_for_the_proxies_there() -> None:
    text = manifest("Namespace", "v1", "", "shop").replace(
        "namespace: shop", "labels: {istio-injection: enabled}"
    )
    text += manifest(
        "ServiceEntry",
        "networking.istio.io/v1",
        "spec: {hosts: [api.example.com], ports: [{number: 443, name: t, protocol: TLS}],"
        " exportTo: ['.']}",
    )
    found = facts_of(_WEB + text)
    place = reason(found, "shop/web > api.example.com:443/TCP")
    assert place == ("ServiceEntry.networking.istio.io/shop/x", "/spec/hosts")


@pytest.mark.parametrize(
    ("kind", "body", "key"),
    [
        (
            "ServiceMonitor",
            "spec: {selector: {matchLabels: {app: web}}, endpoints: [{targetPort: 8080}]}",
            "shop/web:8080/TCP",
        ),
        (
            "ServiceMonitor",
            "spec: {selector: {}, endpoints: [{port: metrics}]}",
            "shop/web:9100/TCP",
        ),
        (
            "PodMonitor",
            "spec: {selector: {matchLabels: {app: web}}, podMetricsEndpoints: [{port: http}]}",
            "shop/web:8080/TCP",
        ),
        ("Probe", "spec: {prober: {url: 'web.shop:80'}}", "shop/web:8080/TCP"),
    ],
)
def test_monitors_are_scraped_by_the_prometheus_of_the_input(
    kind: str, body: str, key: str
) -> None:
    web = _WEB.replace(
        "kind: Service\nmetadata: {", "kind: Service\nmetadata: {labels: {app: web}, "
    ).replace("ports: [{port: 80,", "ports: [{port: 9100, name: metrics}, {port: 80, name: http,")
    server = manifest("Prometheus", "monitoring.coreos.com/v1", "spec: {}", "k8s", "monitoring")
    found = facts_of(web + server + manifest(kind, "monitoring.coreos.com/v1", body))
    assert reason(found, f"Prometheus k8s > {key}")[0] == f"{kind}.monitoring.coreos.com/shop/x"


def test_monitors_look_into_their_own_namespace_unless_they_say_otherwise() -> None:
    spec = "spec: {selector: {}, endpoints: [{targetPort: 8080}]EXTRA}"
    for extra, seen in (
        ("", False),
        (", namespaceSelector: {any: true}", True),
        (", namespaceSelector: {matchNames: [shop]}", True),
        (", namespaceSelector: {matchNames: [other]}", False),
    ):
        text = manifest(
            "ServiceMonitor",
            "monitoring.coreos.com/v1",
            spec.replace("EXTRA", extra),
            namespace="monitoring",
        )
        assert ("metrics" in bases(facts_of(_WEB + text)).values()) is seen


def test_annotated_services_and_the_prometheus_that_runs_here() -> None:
    annotated = (
        "{annotations: {prometheus.io/scrape: 'true', prometheus.io/port: '9100'}, name: web"
    )
    web = _WEB.replace(
        "kind: Service\nmetadata: {name: web", "kind: Service\nmetadata: " + annotated
    )
    server = deployment("prom", namespace="monitoring").replace(
        "image: x", "image: 'quay.io/prometheus/prometheus:v3.1.0'"
    )
    found = facts_of(web + server)
    place = reason(found, "monitoring/prom > shop/web:9100/TCP")
    assert place == ("Service/shop/web", "/metadata/annotations/prometheus.io~1scrape")


def test_the_sidecar_answers_for_the_application() -> None:
    asks = (
        "{annotations: {prometheus.io/scrape: 'true', prometheus.io/port: '9'}, labels: {app: web"
    )
    text = _WEB.replace("{labels: {app: web", asks, 1) + _INJECTED
    assert bases(facts_of(text))["Prometheus > shop/web:15020/TCP"] == "metrics"


@pytest.mark.parametrize(
    ("text", "ref", "place"),
    [
        (
            manifest(
                "APIService",
                "apiregistration.k8s.io/v1",
                "spec: {service: {name: web, namespace: shop, port: 80}}",
                "v1.x",
            ),
            "APIService.apiregistration.k8s.io/-/v1.x",
            "/spec/service",
        ),
        (
            manifest(
                "CustomResourceDefinition",
                "apiextensions.k8s.io/v1",
                "spec: {conversion: {webhook: {clientConfig: {service:"
                " {name: web, namespace: shop, port: 80}}}}}",
                "a.b",
            ),
            "CustomResourceDefinition.apiextensions.k8s.io/-/a.b",
            "/spec/conversion/webhook/clientConfig/service",
        ),
    ],
)
def test_the_api_server_calls_services(text: str, ref: str, place: str) -> None:
    found = facts_of(_WEB + text.replace(", namespace: shop}\n", "}\n", 1))
    assert reason(found, "the API server > shop/web:8080/TCP") == (ref, place)


def test_probes_come_from_the_node_and_are_always_admitted() -> None:
    probe = ", ports: [{containerPort: 8080, name: http}], readinessProbe: {httpGet: {port: http}}"
    found = facts_of(deployment("web", probe) + policy("p", "{podSelector: {}}"))
    assert flows(found)["the kubelet > shop/web:8080/TCP"] == "allowed"
    place = reason(found, "the kubelet > shop/web:8080/TCP")
    assert place[1] == "/spec/template/spec/containers/0/readinessProbe/httpGet"


def test_probes_of_ambient_pods_come_from_an_address_of_their_own() -> None:
    text = deployment("web", ", livenessProbe: {tcpSocket: {port: 8080}}") + _AMBIENT
    key = "the kubelet (through the ambient mesh) > shop/web:8080/TCP"
    closed = policy("p", "{podSelector: {}}")
    block = "{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 169.254.7.127/32}}]}]}"
    assert flows(facts_of(text + closed))[key] == "blocked"
    assert flows(facts_of(text + closed + policy("q", block)))[key] == "allowed"


def test_ambient_pods_talk_through_a_tunnel() -> None:
    mesh = manifest("PeerAuthentication", "security.istio.io/v1", "spec: {}")
    app = deployment("app", ", env: [{name: DB_HOST, value: db}]")
    assert bases(facts_of(_DB + app + mesh + _AMBIENT))["shop/app > shop/db:15008/TCP"] == "mesh"


def test_callers_that_authorization_policies_welcome() -> None:
    rule = manifest(
        "AuthorizationPolicy",
        "security.istio.io/v1",
        "spec: {selector: {matchLabels: {app: db}}, rules: [{from: [{source: {principals:"
        " [cluster.local/ns/shop/sa/caller]}}]}]}",
    )
    app = deployment("app").replace("containers:", "serviceAccountName: caller, containers:")
    found = facts_of(_DB + app + _INJECTED + rule)
    assert reason(found, "shop/app > shop/db:5432/TCP")[1] == "/spec/rules/0/from"


def test_sidecars_send_traces() -> None:
    operator = manifest(
        "IstioOperator",
        "install.istio.io/v1alpha1",
        "spec: {meshConfig: {extensionProviders: [{name: j, zipkin:"
        " {service: zipkin.tracing.svc.cluster.local, port: 9411}}]}}",
        namespace="istio-system",
    )
    found = facts_of(_DB + _INJECTED + operator)
    place = reason(found, "shop/db > zipkin.tracing.svc.cluster.local:9411/TCP")
    assert place == ("IstioOperator.install.istio.io/istio-system/x", "/spec/meshConfig")


def test_who_is_bound_to_a_role_asks_the_api_server() -> None:
    binding = manifest(
        "RoleBinding",
        "rbac.authorization.k8s.io/v1",
        "subjects: [{kind: ServiceAccount, name: bot}]\nroleRef: {kind: Role, name: r}",
    )
    app = deployment("app").replace("containers:", "serviceAccountName: bot, containers:")
    found = facts_of(app + deployment("other") + binding)
    assert reason(found, "shop/app > the API server:443/TCP")[1] == "/subjects/0"
    assert not [key for key in bases(found) if key.startswith("shop/other")]
    endpoints = manifest(
        "Endpoints",
        "v1",
        "subsets: [{addresses: [{ip: 192.0.2.1}], ports: [{port: 8443}]}]",
        "kubernetes",
        "default",
    )
    key = "shop/app > the API server:8443/TCP"
    assert flows(facts_of(app + binding + endpoints))[key] == "allowed"
    closed = policy("p", "{podSelector: {}, policyTypes: [Egress]}")
    assert flows(facts_of(app + binding + endpoints + closed))[key] == "blocked"


def test_names_are_resolved_where_the_input_says() -> None:
    app = deployment("app", ", env: [{name: X, value: 'https://api.example.com'}]")
    dns = deployment(
        "coredns", ", ports: [{containerPort: 1053, protocol: UDP, name: dns}]", "kube-system"
    )
    front = manifest(
        "Service",
        "v1",
        "spec: {selector: {app: coredns}, ports: [{port: 53, protocol: UDP, targetPort: dns}]}",
        "kube-dns",
        "kube-system",
    )
    assert bases(facts_of(app + dns + front))["shop/app > kube-system/coredns:1053/UDP"] == "dns"
    local = deployment(
        "node-local-dns", ", args: ['-localip', '169.254.20.11,10.96.0.10']", "kube-system"
    )
    local = local.replace("kind: Deployment", "kind: DaemonSet").replace(
        "containers:", "hostNetwork: true, containers:"
    )
    assert bases(facts_of(app + local))["shop/app > NodeLocal DNSCache:53/UDP"] == "dns"
    own = app.replace(
        "containers:", "dnsPolicy: None, dnsConfig: {nameservers: [192.0.2.53]}, containers:"
    )
    resolvers = {key for key, basis in bases(facts_of(own)).items() if basis == "dns"}
    assert resolvers == {"shop/app > resolver 192.0.2.53:53/UDP"}
