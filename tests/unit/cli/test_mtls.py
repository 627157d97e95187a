# SPDX-License-Identifier: Apache-2.0
"""Does `kguard mtls` answer in the promised form?"""

from __future__ import annotations

import json

import pytest

from kguard.cli.mtls import command
from kguard.errors import UsageError

MANIFESTS = """apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {istio-injection: enabled}}
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: payments, namespace: shop}
spec:
  selector: {matchLabels: {app: payments}}
  mtls: {mode: STRICT}
  portLevelMtls: {8443: {mode: PERMISSIVE}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: payments, namespace: shop}
spec:
  selector: {matchLabels: {app: payments}}
  template:
    metadata: {labels: {app: payments}}
    spec:
      containers: [{name: c, image: x, ports: [{containerPort: 8443}, {containerPort: 80}]}]
"""


@pytest.fixture
def run(tmp_path, capsys):
    (tmp_path / "in.yaml").write_text(MANIFESTS)

    def answer(name, *arguments):
        code = command.main([name, *arguments, str(tmp_path)], standalone_mode=False)
        return code, capsys.readouterr().out

    return answer


def test_list_as_json(run):
    code, text = run("list", "-o", "json")
    rows = json.loads(text)
    assert code == 0
    assert [(row["port"], row["effective"]) for row in rows] == [
        (80, "STRICT"),
        (8443, "PERMISSIVE"),
        ("other", "STRICT"),
    ]
    assert rows[1] == {
        "namespace": "shop",
        "workload": "payments",
        "kind": "Deployment",
        "port": 8443,
        "protocol": "TCP",
        "plane": "sidecar",
        "intended": "PERMISSIVE",
        "effective": "PERMISSIVE",
        "decided_by": "PeerAuthentication shop/payments",
    }


def test_list_as_text(run):
    code, text = run("list")
    assert code == 0
    heading, first, second, third = text.splitlines()
    assert heading.split() == [
        *("namespace", "workload", "kind", "port", "protocol", "plane"),
        *("intended", "effective", "decided", "by"),
    ]
    assert first.split()[3:8] == ["80", "TCP", "sidecar", "STRICT", "STRICT"]
    assert second.split()[3] == "8443"
    assert third.split()[3] == "other"


def test_explain_names_the_chain(run):
    code, text = run("explain", "shop/payments:8443")
    assert code == 0
    assert "in the mesh, with a sidecar" in text
    assert "PeerAuthentication shop/payments makes port 8443 PERMISSIVE" in text
    assert "TCP 80" not in text


def test_explain_of_an_unnamed_port_is_that_of_all_others(run):
    _, text = run("explain", "payments:9999")
    assert "TCP 80, other  STRICT" in text
    assert "8443" not in text


LINKERD = """apiVersion: apps/v1
kind: Deployment
metadata: {name: cart, namespace: shop}
spec:
  selector: {matchLabels: {app: cart}}
  template:
    metadata:
      labels: {app: cart}
      annotations:
        linkerd.io/inject: enabled
        config.linkerd.io/default-inbound-policy: all-authenticated
        config.linkerd.io/skip-inbound-ports: "9090"
    spec:
      containers: [{name: c, image: x, ports: [{containerPort: 8080}, {containerPort: 9090}]}]
"""


def test_linkerd_has_rows_of_its_own(tmp_path, run):
    (tmp_path / "in.yaml").write_text(LINKERD)
    _, text = run("list", "-o", "json")
    assert [(r["port"], r["plane"], r["effective"]) for r in json.loads(text)] == [
        (8080, "linkerd", "STRICT"),
        (9090, "linkerd", "UNCAPTURED"),
        ("other", "linkerd", "STRICT"),
    ]
    code, text = run("explain", "shop/cart:8080")
    assert code == 0
    assert text.startswith("Deployment shop/cart: in Linkerd's mesh")
    assert "an annotation says all-authenticated" in text


CALLER = """---
apiVersion: v1
kind: Service
metadata: {name: payments, namespace: shop}
spec: {type: NodePort, selector: {app: payments}, ports: [{port: 80}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: cart, namespace: shop}
spec:
  selector: {matchLabels: {app: cart}}
  template:
    metadata: {labels: {app: cart}}
    spec: {containers: [{name: c, image: x, env: [{name: P, value: "http://payments/"}]}]}
"""


def test_explain_names_the_callers(tmp_path, run):
    (tmp_path / "in.yaml").write_text(MANIFESTS + CALLER)
    _, text = run("explain", "shop/payments:80")
    assert "Deployment shop/cart calls port 80: sends mtls, works" in text
    assert "Service shop/payments (outside) calls port 80 without mesh identity" in text
    _, text = run("explain", "shop/payments:8443")
    assert "calls port" not in text


def test_unknown_workload_is_the_users_error(run):
    with pytest.raises(UsageError):
        run("explain", "shop/nobody")


@pytest.mark.parametrize("port", ["zz", "0", "65536", "8443x", "-1", "\u0664"])
def test_port_that_cannot_be_is_the_users_error(run, port):
    with pytest.raises(UsageError, match="no port of shop/payments") as raised:
        run("explain", f"shop/payments:{port}")
    assert "80, 8443, other" in raised.value.hint


def test_explain_of_all_other_ports(run):
    code, text = run("explain", "payments:other")
    assert code == 0
    assert "TCP 80, other  STRICT" in text
