# SPDX-License-Identifier: Apache-2.0
"""Where do VirtualServices lead calls, and which Services does a client see at all?"""

from __future__ import annotations

import pytest
import yaml

from kguard.layers.mtls.semantics.routes import (
    ELSEWHERE,
    ITSELF,
    Caller,
    Destination,
    RouteIndex,
    parse_routes,
)
from kguard.layers.mtls.semantics.visibility import exported_by, seen
from tests.unit.layers.mtls.inputs import NAMESPACE, STRICT, deployment, facts
from tests.unit.layers.mtls.test_edges import CART, SERVICE, WEB, edge, edges, judged, rule

DOMAIN = "cluster.local"
HOST = "cart.shop.svc.cluster.local"
V1, V2 = Destination(HOST, "v1", 0), Destination(HOST, "v2", 0)


def virtual(spec: str, name: str = "cart", namespace: str = "shop") -> str:
    return f"""
    apiVersion: networking.istio.io/v1
    kind: VirtualService
    metadata: {{name: {name}, namespace: {namespace}}}
    spec: {{hosts: [cart], {spec}}}
"""


def led(spec: str, protocol: str = "http", port: int = 80) -> set[Destination] | None:
    routes = parse_routes("shop", yaml.safe_load(virtual(spec)), "id", DOMAIN)
    assert routes is not None
    found = routes.leads(Caller("shop", {"app": "web"}, port), protocol)
    return None if found is None else set(found)


TO_V1 = "route: [{destination: {host: cart, subset: v1}}]"
TO_V2 = "route: [{destination: {host: cart, subset: v2}}]"


@pytest.mark.parametrize(
    ("spec", "protocol", "expected"),
    [
        (f"http: [{{{TO_V1}}}]", "http", {V1}),
        (f"http: [{{{TO_V1}}}, {{{TO_V2}}}]", "http", {V1}),
        (f"http: [{{match: [{{uri: {{prefix: /a}}}}], {TO_V1}}}, {{{TO_V2}}}]", "http", {V1, V2}),
        (f"http: [{{match: [{{uri: {{prefix: /}}}}], {TO_V1}}}, {{{TO_V2}}}]", "http", {V1}),
        (f"http: [{{match: [{{port: 81}}], {TO_V1}}}, {{{TO_V2}}}]", "http", {V2}),
        (f"http: [{{match: [{{port: 80}}], {TO_V1}}}, {{{TO_V2}}}]", "http", {V1}),
        (f"http: [{{match: [{{sourceLabels: {{app: api}}}}], {TO_V1}}}]", "http", None),
        (f"http: [{{match: [{{sourceLabels: {{app: web}}}}], {TO_V1}}}]", "http", {V1}),
        (f"http: [{{match: [{{sourceNamespace: other}}], {TO_V1}}}]", "http", None),
        (f"http: [{{match: [{{gateways: [ingress]}}], {TO_V1}}}]", "http", None),
        (f"http: [{{match: [{{gateways: [ingress, mesh]}}], {TO_V1}}}]", "http", {V1}),
        (f"http: [{{{TO_V1}}}]", "tcp", None),
        (f"http: [{{{TO_V1}}}]", "sniffed", {V1, ITSELF}),
        (f"http: [{{{TO_V1}}}], tcp: [{{{TO_V2}}}]", "sniffed", {V1, V2}),
        (f"tcp: [{{{TO_V1}}}]", "tcp", {V1}),
        (f"tcp: [{{match: [{{port: 81}}], {TO_V1}}}]", "tcp", None),
        (f"tls: [{{match: [{{sniHosts: [cart]}}], {TO_V1}}}]", "tcp", {V1, ITSELF}),
        ("http: [{delegate: {name: other}}]", "http", {ELSEWHERE}),
        ("http: [{redirect: {uri: /x}}]", "http", None),
    ],
)
def test_destinations(spec: str, protocol: str, expected: set[Destination] | None) -> None:
    assert led(spec, protocol) == expected


def test_gateway_routes_and_delegates_are_none_for_sidecars() -> None:
    assert parse_routes("shop", yaml.safe_load(virtual("gateways: [i]")), "", DOMAIN) is None
    assert parse_routes("shop", {"spec": {"http": []}}, "", DOMAIN) is None


def test_the_most_specific_host_that_the_client_sees() -> None:
    texts = {
        "exact": virtual("exportTo: [.]", "exact"),
        "wide": virtual("http: []", "wide").replace("[cart]", '["*.svc.cluster.local"]'),
        "narrow": virtual("exportTo: [web]", "narrow").replace(
            "[cart]", '["*.shop.svc.cluster.local"]'
        ),
    }
    parsed = [parse_routes("shop", yaml.safe_load(text), "", DOMAIN) for text in texts.values()]
    index = RouteIndex([entry for entry in parsed if entry], ["*"])

    def names(client: str) -> list[str]:
        return [entry.name for entry in index.of(client, HOST)]

    assert (names("shop"), names("web"), names("x")) == (["exact"], ["narrow"], ["wide"])
    assert RouteIndex([entry for entry in parsed if entry], ["."]).of("x", HOST) == []


@pytest.mark.parametrize(
    ("export", "client", "expected"),
    [
        ("*", "web", True),
        (".", "web", False),
        (".", "shop", True),
        ("shop", "shop", True),
        ("web, api", "api", True),
        ("~", "shop", False),
        ("~,web", "web", False),
        ("~,*", "web", True),
    ],
)
def test_export(export: str, client: str, expected: bool) -> None:
    listed = exported_by({"networking.istio.io/exportTo": export})
    assert seen(listed, "shop", client) is expected


HIDDEN = SERVICE.replace(
    "namespace: shop}", 'namespace: shop, annotations: {networking.istio.io/exportTo: "~"}}'
)


def test_a_hidden_service_is_passed_on_in_plaintext() -> None:
    (only,) = edges(NAMESPACE, STRICT, WEB, CART, HIDDEN).between(*_pair(HIDDEN))
    assert (only.sends, only.verdict, only.hazard) == ("plaintext", "cut", "not_imported")
    assert only.because[0].pointer == "/metadata/annotations/networking.istio.io~1exportTo"


def _pair(service: str):
    found = edges(NAMESPACE, STRICT, WEB, CART, service).view.inventory.workloads
    named = {workload.name: workload for workload in found}
    return named["web"], named["cart"]


SUBSETS = """
    apiVersion: networking.istio.io/v1
    kind: DestinationRule
    metadata: {name: cart, namespace: shop}
    spec:
      host: cart
      subsets:
        - {name: v1, labels: {app: cart}, trafficPolicy: {tls: {mode: DISABLE}}}
        - {name: v2, labels: {app: cart}}
        - {name: v3, labels: {version: v3}}
"""
HTTP = SERVICE.replace("port: 80,", "port: 80, name: http,")


def routed(spec: str) -> tuple[str, str, str, str, str]:
    return judged(NAMESPACE, STRICT, WEB, CART, HTTP, SUBSETS, virtual(spec))


def test_a_route_to_a_subset_is_followed() -> None:
    assert routed(f"http: [{{{TO_V1}}}]") == ("plaintext", "strict", "cut", "none", "rule")
    assert routed(f"http: [{{{TO_V2}}}]") == ("mtls", "strict", "works", "proven", "none")


def test_routes_that_differ_leave_it_unknown() -> None:
    both = f"http: [{{match: [{{uri: {{exact: /a}}}}], {TO_V1}}}, {{{TO_V2}}}]"
    assert routed(both)[:4] == ("unknown", "strict", "unknown", "unknown")
    assert routed("http: [{delegate: {name: other}}]")[2] == "unknown"


def test_a_route_to_other_pods_or_to_no_subset() -> None:
    nowhere = routed("http: [{route: [{destination: {host: cart, subset: v9}}]}]")
    assert nowhere[2] == "cut"
    texts = virtual("http: [{route: [{destination: {host: cart, subset: v3}}]}]")
    found = edges(NAMESPACE, STRICT, WEB, CART, HTTP, SUBSETS, texts)
    assert list(found.between(*_pair(HTTP))) == []


def test_a_route_to_another_service() -> None:
    other = """
    apiVersion: v1
    kind: Service
    metadata: {name: next, namespace: shop}
    spec: {selector: {app: next}, ports: [{port: 8080}]}
"""
    calls = deployment("web").replace(
        "image: x", 'image: x, env: [{name: CART, value: "http://cart/"}]'
    )
    to_next = virtual("http: [{route: [{destination: {host: next}}]}]")
    found = facts(NAMESPACE, STRICT, calls, CART, deployment("next"), HTTP, other, to_next)
    reached = [(e.server.name, e.port, e.service) for e in found.edges if e.client.name == "web"]
    assert reached == [("next", "8080", "shop/next:8080")]


def test_what_a_rule_does_is_what_becomes_of_the_call() -> None:
    """TLS of the client's own is cut where a PERMISSIVE sidecar reads HTTP, else let through."""
    for service, effect, verdict in ((HTTP, "cut", "cut"), (SERVICE, "downgrade", "works")):
        texts = (NAMESPACE, WEB, CART, service, rule("{mode: SIMPLE}"))
        (judged_rule,) = facts(*texts).rules
        assert (judged_rule.effect, edge(*texts).verdict) == (effect, verdict)
        assert judged_rule.refusal == ("unreadable" if effect == "cut" else "none")
