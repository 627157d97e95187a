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
        (
            "shop/web",
            "data/db",
            "5432",
            0,
            "rule 1 admits every pod of namespace shop at TCP 5432 (",
        ),
        ("shop/web", "data/db", "5432/UDP", 1, "isolates it, and no rule admits the connection"),
        ("any", "data/db", "5432", 1, "NetworkPolicy data/db isolates it"),
        ("any", "web", "80", 0, "no policy of any kind selects it for ingress"),
        ("192.0.2.1", "data/db", "5432", 1, "isolates it"),
        ("data/db", "192.0.2.1", "443", 1, "egress   data/db: blocked"),
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
    antrea = "\n---\napiVersion: crd.antrea.io/v1beta1\nkind: NetworkPolicy\n"
    antrea += "metadata: {name: c, namespace: shop}\nspec: {}\n"
    code, out, _ = run(
        "explain", "--from", "any", "--to", "shop/web", "--port", "80", text=SHOP + antrea
    )
    assert code == 3
    assert "may decide and is not evaluated" in out


def test_list_with_a_focus(run):
    quiet = ("--profile", "netpol-analyzer")
    code, out, _ = run("list", *quiet, "--focus", "db", "--focus-direction", "ingress")
    assert (code, out) == (0, "shop/web[Pod] => data/db[Pod] : TCP 5432\n")
    code, out, _ = run("list", *quiet, "--focus", "shop/web", "--focus-peer", "data/db")
    assert out == "shop/web[Pod] => data/db[Pod] : TCP 5432\n"
    code, out, _ = run("list", *quiet, "--focus-conn", "tcp-5432", "--focus-direction", "egress")
    assert "shop/web[Pod] => data/db[Pod] : TCP 5432" in out.splitlines()
    code, out, _ = run("list", *quiet, "--focus", "db", "--focus-conn", "80")
    assert out == ""
    with pytest.raises(UsageError, match="no workload cart in the input"):
        run("list", "--focus", "cart")


def test_list_in_other_forms(run):
    quiet = ("--profile", "netpol-analyzer", "--focus", "db")
    _, out, _ = run("list", *quiet, "-o", "md")
    assert out.splitlines() == [
        "| src | dst | conn |",
        "|-----|-----|------|",
        "| shop/web[Pod] | data/db[Pod] | TCP 5432 |",
    ]
    _, out, _ = run("list", *quiet, "-o", "csv")
    assert out == "src,dst,conn\nshop/web[Pod],data/db[Pod],TCP 5432\n"
    _, out, _ = run("list", *quiet, "-o", "dot")
    assert out.startswith("digraph {\n")
    assert '"shop/web[Pod]" -> "data/db[Pod]" [label="TCP 5432"' in out
    assert 'label="shop"' in out
    _, out, _ = run("list", *quiet, "-o", "svg")
    assert "shop/web[Pod] =&gt; data/db[Pod] : TCP 5432" in out


@pytest.fixture
def compare(tmp_path, capsys):
    def call(head, *arguments):
        for name, text in (("base", SHOP), ("head", head)):
            (tmp_path / name).mkdir(exist_ok=True)
            (tmp_path / name / "shop.yaml").write_text(text)
        sides = (str(tmp_path / "base"), str(tmp_path / "head"))
        code = command.main(["diff", *sides, *arguments], standalone_mode=False)
        return code, capsys.readouterr().out

    return call


def test_diff_names_the_line_that_is_the_cause(compare):
    head = SHOP.replace("    ports:\n    - port: 5432\n", "")
    code, out = compare(head, "--profile", "calico")
    assert code == 0
    lines = out.splitlines()
    assert lines[:2] == [
        "Connectivity diff:",
        (
            "diff-type: changed, source: shop/web[Pod], destination: data/db[Pod], "
            "dir1: TCP 5432, dir2: All Connections"
        ),
    ]
    assert [line.strip().split("  ")[0].rpartition("/")[2] for line in lines[2:]] == [
        "shop.yaml:18",
        "shop.yaml:18",
    ]
    assert "every pod of namespace shop at every port" in lines[2]
    code, out = compare(head, "--profile", "calico", "-o", "json")
    assert [cause["side"] for cause in json.loads(out)[0]["because"]] == ["head", "base"]


def test_diff_in_the_form_of_the_other_tool(compare):
    more = "---\napiVersion: v1\nkind: Pod\nmetadata: {name: x, namespace: shop}\nspec: {}\n"
    _, out = compare(SHOP + more, "--profile", "netpol-analyzer", "-o", "csv")
    assert out.splitlines()[:2] == [
        "diff-type,source,destination,dir1,dir2,workloads-diff-info",
        (
            "added,0.0.0.0-255.255.255.255[External],shop/x[Pod],No Connections,All Connections,"
            "workload shop/x[Pod] added"
        ),
    ]
    _, out = compare(SHOP, "--profile", "netpol-analyzer")
    assert out == ""
    _, out = compare(SHOP + more, "--profile", "netpol-analyzer", "-o", "dot")
    assert 'label="No Connections -> All Connections"' in out
    _, out = compare(SHOP + more, "-o", "md")
    assert out.startswith("| diff-type | source |")


def test_list_with_exposure(run):
    _, out, _ = run("list", "--profile", "netpol-analyzer", "--exposure")
    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert lines[3:6] == ["", "Exposure Analysis Result:", "Egress Exposure:"]
    assert "data/db[Pod] <= shop/[all pods] : TCP 5432" in lines
    assert "shop/web[Pod] <= entire-cluster : All Connections" in lines
    assert lines[-1] == "shop/web[Pod] is not protected on Ingress"
    _, out, _ = run("list", "--profile", "netpol-analyzer", "--exposure", "-o", "json")
    assert json.loads(out)["exposure_results"]["ingress_exposure"][0] == {
        "src": "shop/[all pods]",
        "dst": "data/db[Pod]",
        "conn": "TCP 5432",
    }


@pytest.mark.parametrize(
    ("form", "line"),
    [
        ("md", "| entire-cluster | shop/web[Pod] | All Connections |"),
        ("csv", "entire-cluster,shop/web[Pod],All Connections"),
        ("dot", '"entire-cluster" -> "shop/web[Pod]"'),
        ("svg", "entire-cluster"),
    ],
)
def test_exposure_in_other_forms(run, form, line):
    code, out, _ = run("list", "--profile", "netpol-analyzer", "--exposure", "-o", form)
    assert code == 0
    assert line in out


def test_exposure_takes_no_focus(run):
    with pytest.raises(UsageError, match="--exposure shows all connections"):
        run("list", "--exposure", "--focus", "shop/web")


TIERS = """
---
apiVersion: v1
kind: Namespace
metadata: {name: data, labels: {tier: data}}
---
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: policy.networking.k8s.io/v1alpha1
kind: AdminNetworkPolicy
metadata: {name: guard}
spec:
  priority: 10
  subject: {namespaces: {matchLabels: {tier: data}}}
  ingress:
  - name: shop
    action: Pass
    from: [{namespaces: {matchLabels: {kubernetes.io/metadata.name: shop}}}]
  - name: rest
    action: Deny
    from: [{namespaces: {}}]
"""


def test_explain_names_the_rule_of_each_tier(run):
    code, out, _ = run(
        "explain", "--from", "web", "--to", "db", "--port", "5432", text=SHOP + TIERS
    )
    lines = [line.rpartition(" (")[0] or line for line in out.splitlines()]
    assert code == 0
    assert lines == [
        "ALLOWED  5432/TCP  shop/web -> data/db",
        "  egress   shop/web: allowed",
        "    no policy of any kind selects it for egress: everything may leave",
        "  ingress  data/db: allowed",
        (
            "    admin tier: AdminNetworkPolicy guard rule 1 leaves to the next tier"
            " every pod of namespace shop at every port"
        ),
        (
            "    namespaced tier: NetworkPolicy data/db rule 1 admits"
            " every pod of namespace shop at TCP 5432"
        ),
        "    would be decided next by: nothing",
        "  mesh     db is in no mesh: no identity is checked either",
        "Nothing in the input says that shop/web needs data/db.",
    ]
    code, out, _ = run(
        "explain", "--from", "any", "--to", "db", "--port", "5432", "-o", "json", text=SHOP + TIERS
    )
    steps = json.loads(out)["sides"][-1]["steps"]
    assert code == 1
    assert [step["tier"] for step in steps] == ["admin"]
    assert steps[0]["line"] > 20
    assert "rule 2 denies every pod of every namespace" in steps[0]["note"]


def test_diff_says_what_cannot_be_decided(compare):
    code, out = compare(SHOP.replace("kubernetes.io/metadata.name: shop", "team: shop"))
    assert code == 3
    assert "diff-type: removed, source: shop/web[Pod], destination: data/db[Pod]" in out


BLOCK = """apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
spec: {containers: []}
status: {podIP: 10.0.3.4}
---
apiVersion: v1
kind: Pod
metadata: {name: db, namespace: shop, labels: {app: db}}
spec: {containers: []}
status: {podIP: 10.0.3.5}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db, namespace: shop}
spec:
  podSelector: {matchLabels: {app: db}}
  ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8}}]}]
"""


def test_explain_says_what_each_plugin_would_answer(run):
    asked = ("--from", "shop/web", "--to", "shop/db", "--port", "5432")
    code, out, _ = run("explain", *asked, text=BLOCK)
    assert code == 3
    assert (
        "depends on the plugin: allowed under antrea, calico, kube-network-policies,"
        " ovn-kubernetes; blocked under cilium" in out
    )
    _, told, _ = run("explain", *asked, "-o", "json", text=BLOCK)
    assert json.loads(told)["plugins"]["blocked"] == ["cilium"]


@pytest.mark.parametrize(("plugin", "code"), [("calico", 0), ("cilium", 1), ("weave", 3)])
def test_explain_leaves_other_plugins_out_where_one_is_known(run, plugin, code):
    asked = ("--from", "shop/web", "--to", "shop/db", "--port", "5432", "--assume", f"cni={plugin}")
    status, out, _ = run("explain", *asked, text=BLOCK)
    assert status == code
    assert "depends on the plugin" not in out


def test_list_says_how_many_answers_depend_on_each_plugin(run):
    status, _, err = run("list", text=BLOCK)
    assert status == 3
    assert "that depends on the network plugin: 1 under antrea, 1 under calico, none under" in err
    _, _, known = run("list", "--assume", "cni=weave", text=BLOCK)
    assert "depends on the network plugin" not in known


def test_what_is_left_out_of_an_answer_is_said(run, tmp_path):
    (tmp_path / "component").mkdir()
    (tmp_path / "component" / "kustomization.yaml").write_text("kind: Component\nresources: []\n")
    (tmp_path / "broken.yaml").write_text("kind: [")
    status, _, err = run("list")
    assert status == 3
    assert f"{tmp_path}/component: not evaluated: a kustomization: a component" in err
    assert f"{tmp_path}/broken.yaml:1: not read: " in err
    _, _, quiet = run("list", "-q")
    assert "not read" not in quiet
