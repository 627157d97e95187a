# SPDX-License-Identifier: Apache-2.0
"""Do hostile manifests ever make the mtls layer fail?"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kguard.inventory import build
from kguard.layers.mtls import LAYER
from kguard.model.layer import Request
from kguard.model.manifests import Collected, Manifest, SourceText

KINDS = [
    ("security.istio.io/v1", "PeerAuthentication"),
    ("security.istio.io/v1", "AuthorizationPolicy"),
    ("networking.istio.io/v1", "DestinationRule"),
    ("networking.istio.io/v1", "Gateway"),
    ("networking.istio.io/v1", "Sidecar"),
    ("gateway.networking.k8s.io/v1", "Gateway"),
    ("networking.k8s.io/v1", "Ingress"),
    ("cert-manager.io/v1", "Certificate"),
    ("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration"),
    ("apiregistration.k8s.io/v1", "APIService"),
    ("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
    ("install.istio.io/v1alpha1", "IstioOperator"),
    ("crd.projectcalico.org/v1", "FelixConfiguration"),
    ("v1", "Namespace"),
    ("v1", "Service"),
    ("v1", "ConfigMap"),
    ("v1", "Secret"),
    ("v1", "Pod"),
    ("apps/v1", "Deployment"),
    ("serving.knative.dev/v1", "Service"),
]
NAMES = ["istio", "istio-ca-root-cert", "config-network", "cacerts", "a", "istio-sidecar-injector"]
KEYS = [
    *("spec", "metadata", "labels", "annotations", "selector", "matchLabels", "matchExpressions"),
    *("mtls", "mode", "portLevelMtls", "tls", "trafficPolicy", "portLevelSettings", "subsets"),
    *("host", "hosts", "port", "number", "servers", "listeners", "ingress", "exportTo", "rules"),
    *("from", "source", "principals", "notPrincipals", "template", "containers", "env", "name"),
    *("value", "valueFrom", "ports", "containerPort", "targetPort", "clusterIP", "type", "args"),
    *("workloadSelector", "credentialName", "webhooks", "clientConfig", "service", "namespace"),
    *("namespaceSelector", "objectSelector", "data", "mesh", "config", "root-cert.pem", "status"),
    *("notAfter", "conditions", "meshConfig", "discoverySelectors", "creationTimestamp", "8080"),
    *("istio-injection", "istio.io/rev", "sidecar.istio.io/inject", "app", "key", "operator"),
    *("livenessProbe", "httpGet", "duration", "renewBefore", "defaultConfig", "proxyMetadata"),
    "traffic.sidecar.istio.io/excludeInboundPorts",
]
WORDS = [
    *("", "STRICT", "a", "*", "*.local", "a.shop", "1", "8080", "true", "false", "enabled", "None"),
    *("-1h", "9" * 30, "{", "a: [", "2026-13-01T00:00:00Z", "HTTPS", "-----BEGIN CERTIFICATE-----"),
    *("LoadBalancer", "In", "shop", "http://a:80/x", "\ud800", "PASSTHROUGH", "SECRET_TTL"),
]
JSON = st.recursive(
    st.sampled_from([None, True, False, 0, -1, 8080, 1 << 70, 1.5, *WORDS]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4)
    ),
    max_leaves=25,
)
BODIES = st.dictionaries(st.sampled_from(["spec", "data", "webhooks", "status"]), JSON, max_size=3)
OBJECTS = st.lists(
    st.tuples(
        st.sampled_from(KINDS),
        st.sampled_from(NAMES),
        st.sampled_from(["shop", "istio-system", ""]),
        st.dictionaries(st.sampled_from(KEYS), JSON, max_size=2),
        BODIES,
    ),
    max_size=6,
)
FIXED = [
    {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": "shop", "labels": {"istio-injection": "enabled"}},
    },
    {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "fixed", "namespace": "shop"},
        "spec": {
            "template": {
                "metadata": {"labels": {"app": "a"}},
                "spec": {"containers": [{"name": "c", "ports": [{"containerPort": 8080}]}]},
            }
        },
    },
]


@settings(deadline=None, max_examples=150, suppress_health_check=list(HealthCheck))
@given(OBJECTS, st.sampled_from(["app", "cluster"]))
def test_facts_never_fail(drawn: list[Any], scope: Any) -> None:
    objects = [*FIXED]
    for (version, kind), name, namespace, metadata, body in drawn:
        held = {**metadata, "name": name, **({"namespace": namespace} if namespace else {})}
        objects.append({"apiVersion": version, "kind": kind, "metadata": held, **body})
    manifests = [
        Manifest(value, SourceText(f"{n}.yaml", 0, 1, "")) for n, value in enumerate(objects)
    ]
    request = Request(scope=scope, at=datetime(2026, 11, 23, tzinfo=UTC))
    facts = LAYER.facts(build(Collected(manifests=manifests)), request)
    assert any(workload.ref.name == "fixed" for workload in facts.workloads)
    assert LAYER.coverage(facts).total >= 1
    assert LAYER.compare(facts, facts).weaker == ()
    msgspec.json.encode(msgspec.to_builtins(facts, enc_hook=repr))
