# SPDX-License-Identifier: Apache-2.0
"""Does `kguard network` answer in the promised form, with the promised exit codes?"""

from __future__ import annotations

import json

import pytest

from kguard.cli.network import command
from kguard.errors import UsageError

SHOP = """apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
spec: {containers: []}
---
apiVersion: v1
kind: Pod
metadata: {name: db, namespace: data, labels: {app: db}}
spec: {containers: []}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db, namespace: data}
spec:
  podSelector: {matchLabels: {app: db}}
  policyTypes: [Ingress, Egress]
  ingress:
  - from:
    - namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: shop}}
    ports:
    - port: 5432
"""


@pytest.fixture
def run(tmp_path, capsys):
    def call(name, *arguments, text=SHOP):
        (tmp_path / "shop.yaml").write_text(text)
        code = command.main([name, str(tmp_path), *arguments], standalone_mode=False)
        found = capsys.readouterr()
        return code, found.out, found.err

    return call


def test_list_as_text(run):
    code, out, err = run("list", "--profile", "netpol-analyzer")
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "0.0.0.0-255.255.255.255[External] => shop/web[Pod] : All Connections",
        "shop/web[Pod] => 0.0.0.0-255.255.255.255[External] : All Connections",
        "shop/web[Pod] => data/db[Pod] : TCP 5432",
    ]


def test_list_as_json(run):
    code, out, _ = run("list", "--profile", "netpol-analyzer", "-o", "json")
    assert code == 0
    assert json.loads(out)[-1] == {
        "src": "shop/web[Pod]",
        "dst": "data/db[Pod]",
        "conn": "TCP 5432",
    }


def test_what_is_not_certain_is_said_and_sets_the_exit_code(run):
    code, _, err = run("list", text=SHOP.replace("port: 5432", "port: 0"))
    assert code == 3
    assert "refused by the API server" in err


def test_an_unknown_profile(run):
    with pytest.raises(UsageError, match="no profile is named"):
        run("list", "--profile", "calcio")


@pytest.mark.parametrize(
    ("source", "target", "port", "code", "reason"),
    [
        ("shop/web", "data/db", "5432", 0, "shop.yaml:18  admits every pod of namespace shop"),
        ("shop/web", "data/db", "5432/UDP", 1, "isolates it, and no rule admits the connection"),
        ("any", "data/db", "5432", 1, "shop.yaml:15  isolates it"),
        ("any", "web", "80", 0, "no NetworkPolicy restricts it"),
        ("192.0.2.1", "data/db", "5432", 1, "isolates it"),
        ("data/db", "192.0.2.1", "443", 1, "outgoing traffic of data/db: blocked"),
    ],
)
def test_explain(run, source, target, port, code, reason):
    found, out, _ = run("explain", "--from", source, "--to", target, "--port", port)
    assert found == code
    assert reason in out


@pytest.mark.parametrize(
    ("source", "port", "message"),
    [("shop/gone", "80", "no workload"), ("any", "http", "is no port"), ("any", "1/X", "protocol")],
)
def test_explain_questions_that_make_no_sense(run, source, port, message):
    with pytest.raises(UsageError, match=message):
        run("explain", "--from", source, "--to", "data/db", "--port", port)


def test_explain_says_what_is_not_known(run):
    cilium = "\n---\napiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\n"
    cilium += "metadata: {name: c, namespace: shop}\nspec: {}\n"
    code, out, _ = run(
        "explain", "--from", "any", "--to", "shop/web", "--port", "80", text=SHOP + cilium
    )
    assert code == 3
    assert "may decide and is not evaluated" in out
