# SPDX-License-Identifier: Apache-2.0
"""What goes over the wire from one workload to another, and what becomes of it?"""

from __future__ import annotations

import pytest

from kguard.layers.mtls.facts.edges import Edge, Edges, edges_of
from kguard.layers.mtls.facts.view import View
from kguard.layers.mtls.semantics.edge import carried, outcome
from kguard.model.layer import Request
from tests.unit.layers.mtls.inputs import AT, NAMESPACE, STRICT, deployment, inventory

AMBIENT = """
    apiVersion: v1
    kind: Namespace
    metadata: {name: shop, labels: {istio.io/dataplane-mode: ambient}}
"""
OUT = ', annotations: {sidecar.istio.io/inject: "false"}'
IN_AMBIENT = ", istio.io/dataplane-mode: ambient, "
SERVICE = """
    apiVersion: v1
    kind: Service
    metadata: {name: cart, namespace: shop}
    spec: {selector: {app: cart}, clusterIP: 10.96.0.1, ports: [{port: 80, targetPort: 8080}]}
"""
HEADLESS = SERVICE.replace("10.96.0.1", "None")
DISABLED = """
    apiVersion: security.istio.io/v1
    kind: PeerAuthentication
    metadata: {name: default, namespace: shop}
    spec: {mtls: {mode: DISABLE}}
    ---
    apiVersion: security.istio.io/v1
    kind: PeerAuthentication
    metadata: {name: cart, namespace: shop}
    spec: {selector: {matchLabels: {app: cart}}, mtls: {mode: STRICT}}
"""


def labelled(name: str, labels: str = "", annotations: str = "") -> str:
    more = f", annotations: {{{annotations}}}" if annotations else ""
    text = deployment(name, metadata=more)
    return text.replace(f"labels: {{app: {name}}}", f"labels: {{app: {name}{labels}}}")


def edges(*texts: str) -> Edges:
    return edges_of(View(inventory(*texts), Request(scope="app", at=AT)))


def edge(*texts: str) -> Edge:
    """The only edge from `web` to `cart`."""
    found = edges(*texts)
    workloads = {workload.name: workload for workload in found.view.inventory.workloads}
    (only,) = found.between(workloads["web"], workloads["cart"])
    return only


def judged(*texts: str) -> tuple[str, str, str, str, str]:
    found = edge(*texts)
    return found.sends, found.accepts, found.verdict, found.identity, found.hazard


def rule(tls: str) -> str:
    return f"""
    apiVersion: networking.istio.io/v1
    kind: DestinationRule
    metadata: {{name: cart, namespace: shop}}
    spec: {{host: cart, trafficPolicy: {{tls: {tls}}}}}
"""


def config(settings: str) -> str:
    return f"""
    apiVersion: v1
    kind: ConfigMap
    metadata: {{name: istio, namespace: istio-system}}
    data: {{mesh: "{settings}"}}
"""


IMPORTS_NOTHING = """
    apiVersion: networking.istio.io/v1
    kind: Sidecar
    metadata: {name: default, namespace: shop}
    spec: {egress: [{hosts: ["other/*"]}]}
"""
WEB, CART = deployment("web"), deployment("cart")


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ((NAMESPACE, STRICT, WEB, CART), ("mtls", "strict", "works", "proven", "none")),
        ((NAMESPACE, WEB, CART), ("mtls", "permissive", "works", "proven", "none")),
        (
            (NAMESPACE, STRICT, deployment("web", metadata=OUT), CART),
            ("plaintext", "strict", "cut", "none", "no_identity"),
        ),
        (
            (NAMESPACE, STRICT, WEB, deployment("cart", metadata=OUT)),
            ("plaintext", "not_enrolled", "works", "none", "no_sidecar"),
        ),
        (
            (NAMESPACE, WEB, deployment("cart", metadata=OUT), rule("{mode: ISTIO_MUTUAL}")),
            ("mtls", "not_enrolled", "cut", "none", "none"),
        ),
        (
            (NAMESPACE, STRICT, WEB, CART, rule("{mode: DISABLE}")),
            ("plaintext", "strict", "cut", "none", "rule"),
        ),
        (
            (NAMESPACE, STRICT, WEB, CART, rule("{mode: SIMPLE}")),
            ("foreign_tls", "strict", "cut", "none", "rule"),
        ),
        (
            (NAMESPACE, WEB, CART, rule("{}")),
            ("plaintext", "permissive", "works", "none", "rule"),
        ),
        (
            (NAMESPACE, DISABLED, WEB, CART),
            ("plaintext", "strict", "cut", "none", "parent_disable"),
        ),
        (
            (NAMESPACE, DISABLED, WEB, CART, rule("{mode: ISTIO_MUTUAL}")),
            ("mtls", "strict", "works", "proven", "none"),
        ),
        (
            (NAMESPACE, STRICT, WEB, CART, config("enableAutoMtls: false")),
            ("plaintext", "strict", "cut", "none", "auto_off"),
        ),
        (
            (NAMESPACE, STRICT, WEB, labelled("cart", ", security.istio.io/tlsMode: disabled")),
            ("plaintext", "strict", "cut", "none", "label_off"),
        ),
        (
            (
                NAMESPACE,
                STRICT,
                CART,
                labelled("web", annotations='traffic.sidecar.istio.io/excludeOutboundPorts: "80"'),
            ),
            ("plaintext", "strict", "cut", "none", "not_captured"),
        ),
        (
            (NAMESPACE, STRICT, WEB, CART, IMPORTS_NOTHING),
            ("plaintext", "strict", "cut", "none", "not_imported"),
        ),
        (
            (NAMESPACE, STRICT, WEB, CART, IMPORTS_NOTHING.replace("egress", "outboundTraffic")),
            ("mtls", "strict", "works", "proven", "none"),
        ),
        (
            (NAMESPACE, WEB, CART, IMPORTS_NOTHING),
            ("plaintext", "permissive", "works", "none", "not_imported"),
        ),
        (
            (
                NAMESPACE,
                WEB,
                CART,
                IMPORTS_NOTHING,
                config("outboundTrafficPolicy: {mode: REGISTRY_ONLY}"),
            ),
            ("plaintext", "permissive", "cut", "none", "not_imported"),
        ),
        (
            (NAMESPACE, STRICT, WEB, CART, IMPORTS_NOTHING.replace("other/*", "./*")),
            ("mtls", "strict", "works", "proven", "none"),
        ),
        (
            (NAMESPACE, STRICT, WEB, CART, config("discoverySelectors: [{matchLabels: {a: b}}]")),
            ("plaintext", "strict", "cut", "none", "not_imported"),
        ),
        ((AMBIENT, STRICT, WEB, CART), ("hbone", "strict", "works", "proven", "none")),
        (
            (AMBIENT, STRICT, CART, labelled("web", ", sidecar.istio.io/inject: 'true'")),
            ("hbone", "strict", "works", "proven", "none"),
        ),
        (
            (AMBIENT, STRICT, CART, labelled("web", ", istio.io/dataplane-mode: none")),
            ("plaintext", "strict", "cut", "none", "no_identity"),
        ),
        (
            (AMBIENT, STRICT, WEB, labelled("cart", ", sidecar.istio.io/inject: 'true'")),
            ("unknown", "strict", "unknown", "unknown", "none"),
        ),
        (
            (
                AMBIENT,
                STRICT,
                WEB,
                config("rootNamespace: istio-system"),
                labelled("cart", ", sidecar.istio.io/inject: 'true'"),
            ),
            ("plaintext", "strict", "cut", "none", "no_tunnel"),
        ),
        (
            (
                AMBIENT,
                STRICT,
                WEB,
                labelled(
                    "cart",
                    ", sidecar.istio.io/inject: 'true', networking.istio.io/tunnel: http",
                ),
            ),
            ("hbone", "strict", "works", "proven", "none"),
        ),
    ],
)
def test_through_a_service(texts: tuple[str, ...], expected: tuple[str, ...]) -> None:
    assert judged(SERVICE, *texts) == expected


def test_one_pod_without_sidecar_makes_a_headless_service_plaintext() -> None:
    bare = deployment("bare", metadata=OUT).replace("labels: {app: bare}", "labels: {app: cart}")
    assert judged(HEADLESS, NAMESPACE, STRICT, WEB, CART) == (
        "mtls",
        "strict",
        "works",
        "proven",
        "none",
    )
    assert judged(HEADLESS, NAMESPACE, STRICT, WEB, CART, bare) == (
        "plaintext",
        "strict",
        "cut",
        "none",
        "headless",
    )


@pytest.mark.parametrize(
    ("namespace", "expected"),
    [(NAMESPACE, ("plaintext", "cut", "pod_ip")), (AMBIENT, ("hbone", "works", "none"))],
)
def test_calls_to_the_address_of_a_pod(namespace: str, expected: tuple[str, ...]) -> None:
    found = edges(namespace, STRICT, WEB, CART)
    workloads = {workload.name: workload for workload in found.view.inventory.workloads}
    direct = found.directly(workloads["web"], workloads["cart"], 8080)
    assert (direct.sends, direct.verdict, direct.hazard) == expected


@pytest.mark.parametrize(("mode", "verdict"), [("ALLOW_ANY", "works"), ("REGISTRY_ONLY", "cut")])
def test_what_a_proxy_does_not_know_may_be_dropped(mode: str, verdict: str) -> None:
    sidecar = IMPORTS_NOTHING.replace(
        "{egress:", f"{{outboundTrafficPolicy: {{mode: {mode}}}, egress:"
    )
    assert edge(SERVICE, NAMESPACE, WEB, CART, sidecar).verdict == verdict
    found = edges(NAMESPACE, WEB, CART, sidecar)
    workloads = {workload.name: workload for workload in found.view.inventory.workloads}
    assert found.directly(workloads["web"], workloads["cart"], 8080).verdict == verdict


def test_an_argument_names_what_decides() -> None:
    found = edge(SERVICE, NAMESPACE, DISABLED, WEB, CART)
    notes = [evidence.note for evidence in found.because]
    assert "policy for namespace shop as a whole is DISABLE: sidecars send plaintext there" in notes
    assert notes[-1] == "STRICT refuses whoever shows no certificate of the mesh"
    assert (found.service, found.port) == ("shop/cart:80", 8080)


@pytest.mark.parametrize(
    ("wire", "plane", "effective", "verdict"),
    [
        ("mtls", "ambient", "strict", "cut"),
        ("mtls", "ambient", "permissive", "cut"),
        ("mtls", "waypoint", "strict", "cut"),
        ("hbone", "waypoint", "strict", "works"),
        ("hbone", "none", "not_enrolled", "cut"),
        ("hbone", "unknown", "unknown", "unknown"),
        ("plaintext", "gateway", "gateway", "unknown"),
        ("plaintext", "sidecar", "uncaptured", "works"),
        ("mtls", "sidecar", "uncaptured", "cut"),
        ("unknown", "none", "not_enrolled", "unknown"),
        ("unknown", "sidecar", "permissive", "works"),
        ("foreign_tls", "sidecar", "user_tls", "works"),
        ("plaintext", "sidecar", "user_tls", "cut"),
        ("mtls", "sidecar", "disable", "cut"),
    ],
)
def test_outcome(wire: str, plane: str, effective: str, verdict: str) -> None:
    assert outcome(wire, plane, effective).verdict == verdict  # type: ignore[arg-type]


@pytest.mark.parametrize(("name", "verdict"), [("http", "cut"), ("tcp", "works"), ("x", "works")])
def test_a_port_that_speaks_http_cannot_read_foreign_tls(name: str, verdict: str) -> None:
    service = SERVICE.replace("{port: 80,", f"{{name: {name}, port: 80,")
    found = edge(service, NAMESPACE, WEB, CART, rule("{mode: SIMPLE}"))
    assert (found.sends, found.accepts, found.verdict) == ("foreign_tls", "permissive", verdict)


def test_sidecars_prefer_their_own_mutual_tls_to_a_tunnel() -> None:
    assert carried("sidecar", "istio_mutual", tunnel=True, speaks_mtls=True) == "mtls"
    assert carried("sidecar", "plaintext", tunnel=True, speaks_mtls=False) == "hbone"
    assert carried("sidecar", None, tunnel=False, speaks_mtls=True) == "unknown"
    assert carried("unknown", "plaintext", tunnel=False, speaks_mtls=True) == "unknown"
