# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from kguard.layers.manifests.semantics import kinds, knative, names, networkpolicy, tables
from kguard.layers.manifests.semantics.shape import effect, shape


def details(found):
    return [(problem.pointer, problem.detail) for problem in found]


def test_unknown_fields_name_the_field_that_is_meant():
    value = {"spec": {"podselector": {}, "ingress": [{"to": []}]}}
    found = details(shape("networking.k8s.io/NetworkPolicy", value))
    assert (
        "/spec/podselector",
        "there is no field `podselector` in `spec`; `podSelector` is meant",
    ) in found
    assert ("/spec/ingress/0/to", "there is no field `to` in `spec.ingress`") in found


def test_null_is_absence_and_whole_floats_are_numbers():
    value = {"spec": {"podSelector": None, "ingress": [None, {"ports": [{"endPort": 80.0}]}]}}
    assert shape("networking.k8s.io/NetworkPolicy", value) == []


@pytest.mark.parametrize(
    ("spec", "detail"),
    [
        ({"ingress": {}}, "an object stands where a list is expected"),
        (
            {"ingress": [{"ports": [{"port": True}]}]},
            "`true` stands where a number or a name is expected",
        ),
        ({"podSelector": {"matchLabels": {"a": 1}}}, "`1` stands where a string is expected"),
        ({"podSelector": []}, "a list stands where an object is expected"),
        ({"policyTypes": "Ingress"}, "`Ingress` stands where a list is expected"),
    ],
)
def test_wrong_types(spec, detail):
    assert [p.detail for p in shape("networking.k8s.io/NetworkPolicy", {"spec": spec})] == [detail]


def test_kinds_without_a_table_are_not_judged():
    assert shape("example.com/Thing", {"anything": 1}) == []


def test_an_audit_policy_is_loaded_without_its_unknown_fields():
    assert effect("audit.k8s.io/Policy") == "ignored"
    assert effect("networking.k8s.io/NetworkPolicy") == "refused"


@pytest.mark.parametrize(
    ("version", "kind", "hint"),
    [
        ("extensions/v1beta1", "NetworkPolicy", "it is served in `networking.k8s.io/v1`"),
        ("networking.k8s.io/v1beta1", "NetworkPolicy", "it is served in `networking.k8s.io/v1`"),
        ("networking.k8s.io/v1", "networkpolicy", "the kind is written `NetworkPolicy`"),
        ("networking.istio.io/v1", "PeerAuthentication", "it is served in `security.istio.io/v1`"),
        ("v1", "Deployment", "there is one in `apps/v1`"),
    ],
)
def test_kinds_that_nobody_serves(version, kind, hint):
    assert kinds.served(version, kind).detail.endswith(hint)


@pytest.mark.parametrize(
    ("version", "kind"),
    [("apps/v1", "Deployment"), ("example.com/v1", "Any"), ("apps/v1", "DeploymentList")],
)
def test_kinds_that_are_served_or_foreign(version, kind):
    assert kinds.served(version, kind) is None


def test_kinds_that_the_input_defines_are_served():
    assert kinds.served("serving.knative.dev/v9", "Test", {("serving.knative.dev", "Test")}) is None


def test_every_kind_with_fields_is_served_somewhere():
    served = tables.kinds()["served"]
    for key in tables.fields()["kinds"]:
        group, _, kind = key.rpartition("/")
        known = {name for names_ in served.get(group, {}).values() for name in names_}
        assert kind in known or group not in served


def policy(**spec):
    return {"metadata": {"name": "p"}, "spec": spec}


@pytest.mark.parametrize(
    ("cidr", "reason"),
    [
        ("10.0.0.0/8", ""),
        ("10.1.2.3/8", "has bits beyond its prefix; `10.0.0.0/8` is the network"),
        ("010.0.0.0/8", "has leading zeros"),
        ("10.0.0.0/08", "has leading zeros"),
        ("10.0.0.0", "is no CIDR, such as 10.0.0.0/8"),
        ("10.0.0.0/33", "is no CIDR, such as 10.0.0.0/8"),
        ("2001:db8::/32", ""),
        ("::/0", ""),
    ],
)
def test_blocks(cidr, reason):
    found = list(networkpolicy.values(policy(ingress=[{"from": [{"ipBlock": {"cidr": cidr}}]}])))
    assert [p.detail for p in found] == ([f"`{cidr}` {reason}"] if reason else [])


@pytest.mark.parametrize("hole", ["10.0.0.0/8", "11.0.0.0/16", "::/1"])
def test_exceptions_lie_strictly_inside(hole):
    block = {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16", hole]}
    found = list(networkpolicy.values(policy(egress=[{"to": [{"ipBlock": block}]}])))
    assert details(found) == [
        ("/spec/egress/0/to/0/ipBlock/except/1", f"`{hole}` is not a part of `10.0.0.0/8`")
    ]


def test_a_peer_names_somebody_in_one_way():
    peers = [{}, {"ipBlock": {"cidr": "::/0"}, "podSelector": {}}, {"podSelector": {}}]
    found = list(networkpolicy.values(policy(ingress=[{"from": peers}])))
    assert [p.detail for p in found] == [
        "the peer names nobody",
        "ipBlock and selectors in one peer",
    ]


@pytest.mark.parametrize(
    "port",
    [
        {"port": 0},
        {"port": 65536},
        {"port": "a--b"},
        {"port": "80"},
        {"protocol": "tcp"},
        {"endPort": 90},
        {"port": "http", "endPort": 90},
        {"port": 90, "endPort": 80},
    ],
)
def test_ports_that_are_refused(port):
    found = list(networkpolicy.values(policy(ingress=[{"ports": [port]}])))
    assert len(found) == 1


def test_hostile_values_are_not_judged_here():
    for junk in (None, 1, "x", [], {}, [1], {"a": [None]}):
        assert isinstance(list(networkpolicy.values({"spec": junk, "metadata": junk})), list)
        assert isinstance(list(knative.service({"spec": junk, "metadata": junk})), list)


@pytest.mark.parametrize(
    ("name", "good"),
    [("a", True), ("a.b-c", True), ("A", False), ("-a", False), ("a" * 254, False)],
)
def test_names(name, good):
    assert (names.subdomain(name) == "") is good


def test_revisions_begin_with_the_name_of_the_service():
    value = {"metadata": {"name": "web"}, "spec": {"template": {"metadata": {"name": "v2"}}}}
    assert [p.detail for p in knative.service(value)] == [
        "the revision `v2` must begin with `web-`"
    ]
    value["spec"]["template"]["metadata"]["name"] = "web-v2"
    assert list(knative.service(value)) == []


def test_traffic_adds_up():
    value = {"metadata": {"name": "web"}, "spec": {"traffic": [{"percent": 50, "tag": "a"}]}}
    assert [p.pointer for p in knative.service(value)] == ["/spec/traffic"]


@pytest.mark.parametrize(
    ("expression", "detail"),
    [
        ({"operator": "exists"}, "`exists` is not one of In, NotIn, Exists, DoesNotExist"),
        ({}, "`` is not one of In, NotIn, Exists, DoesNotExist"),
        ({"operator": "In"}, "In needs values"),
        ({"operator": "Exists", "values": ["a"]}, "Exists takes no values"),
    ],
)
def test_operators(expression, detail):
    selector = {"matchExpressions": [{"key": "a", **expression}]}
    found = list(networkpolicy.values(policy(podSelector=selector)))
    assert [problem.detail for problem in found] == [detail]
