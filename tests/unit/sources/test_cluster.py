# SPDX-License-Identifier: Apache-2.0
"""Does the live source keep its patience, and its list of kinds, in step with the server?"""

from __future__ import annotations

import io
import json

import pytest
import yaml

from kguard.errors import ClusterError
from kguard.model.manifests import Manifest, PlainFile, SourceText
from kguard.sources.cluster import connection as asking
from kguard.sources.cluster import falco_metrics as falco_source
from kguard.sources.cluster.connection import Connection, Refused
from kguard.sources.cluster.discovery import Resource, discover, served_page
from kguard.sources.cluster.falco_metrics import falco_metrics
from kguard.sources.cluster.kinds import WANTED
from kguard.sources.cluster.listing import objects
from kguard.sources.cluster.metrics import audit_counters

PODS = Resource("", "v1", "pods", "Pod")
GONE = (410, {}, {"message": "expired", "metadata": {"continue": "newer"}})


class Answer:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.response = Stream(body if isinstance(body, bytes) else json.dumps(body).encode())


class Stream(io.BytesIO):
    def release_conn(self):
        """As urllib3's answers have it."""


class Server:
    """Stands in for the official client: gives prepared answers by path, in order."""

    def __init__(self, answers):
        self.answers = {path: list(given) for path, given in answers.items()}
        self.queries = []

    def param_serialize(self, resource_path, query_params, **_):
        return resource_path, query_params

    def call_api(self, path, query, _request_timeout):
        self.queries.append(dict(query))
        given = self.answers[path]
        answer = given.pop(0) if len(given) > 1 else given[0]
        if isinstance(answer, Exception):
            raise answer
        return Answer(*answer)


def connection(answers):
    return Connection("test", Server(answers))


def page(names, token=""):
    items = [{"metadata": {"name": name}} for name in names]
    return (200, {}, {"metadata": {"continue": token}, "items": items})


def names(found):
    return [item["metadata"]["name"] for item in found]


@pytest.fixture(autouse=True)
def pauses(monkeypatch):
    """No test sleeps; the pauses are recorded."""
    taken = []
    monkeypatch.setattr(asking.time, "sleep", taken.append)
    return taken


def test_pages_follow_the_token():
    asked = connection({PODS.path: [page(["a"], "next"), page(["b"])]})
    assert names(objects(asked, PODS)) == ["a", "b"]
    assert asked.client.queries == [{"limit": "500"}, {"limit": "500", "continue": "next"}]


def test_an_expired_list_starts_again():
    asked = connection({PODS.path: [page(["old"], "next"), GONE, page(["a"], "next"), page(["b"])]})
    assert names(objects(asked, PODS)) == ["a", "b"]


def test_a_list_that_keeps_expiring_takes_the_newer_rest():
    expiring = [page(["a"], "next"), GONE] * 4
    asked = connection({PODS.path: [*expiring, page(["b"])]})
    assert names(objects(asked, PODS)) == ["a", "b"]
    assert asked.client.queries[-1]["continue"] == "newer"


def test_a_list_that_never_ends_expiring_is_refused():
    asked = connection({PODS.path: [page(["a"], "next"), GONE, page(["a"], "newer"), GONE] * 9})
    with pytest.raises(Refused) as refused:
        objects(asked, PODS)
    assert refused.value.code == 410


def test_a_busy_server_is_asked_again_when_it_says(pauses):
    asked = connection({PODS.path: [(429, {"Retry-After": "3"}, {}), (503, {}, {}), page(["a"])]})
    assert names(objects(asked, PODS)) == ["a"]
    assert pauses == [3.0, pytest.approx(0.4)]


def test_no_pause_is_longer_than_the_limit(pauses):
    asked = connection({PODS.path: [(429, {"Retry-After": "99999"}, {}), page(["a"])]})
    objects(asked, PODS)
    assert pauses == [asking.MAX_WAIT_SECONDS]


def test_a_server_that_stays_busy_is_refused():
    with pytest.raises(Refused, match="overloaded"):
        objects(connection({PODS.path: [(429, {}, {"message": "overloaded"})]}), PODS)


def test_an_answer_that_is_no_json_is_one_sentence():
    with pytest.raises(ClusterError, match="no JSON"):
        objects(connection({PODS.path: [(200, {}, b"<html>")]}), PODS)


def test_an_error_never_shows_what_the_client_said():
    secret = RuntimeError("Authorization: Bearer abc")
    with pytest.raises(ClusterError) as error:
        objects(connection({PODS.path: [secret]}), PODS)
    assert "abc" not in str(error.value)


AGGREGATED = {
    "kind": "APIGroupDiscoveryList",
    "items": [
        {
            "metadata": {"name": "security.istio.io"},
            "versions": [
                {
                    "version": version,
                    "resources": [
                        {
                            "resource": "peerauthentications",
                            "responseKind": {"kind": "PeerAuthentication"},
                            "verbs": ["get", "list"],
                        }
                    ],
                }
                for version in ("v1", "v1beta1")
            ],
        },
        {"metadata": {"name": "unrelated.example"}, "versions": [{"version": "v1"}]},
    ],
}
NONE = (200, {}, {"kind": "APIGroupDiscoveryList", "items": []})


def test_the_preferred_version_of_an_aggregated_answer_is_taken():
    found = discover(connection({"/api": [NONE], "/apis": [(200, {}, AGGREGATED)]}))
    kind = Resource("security.istio.io", "v1", "peerauthentications", "PeerAuthentication")
    assert (found.resources, found.broken) == ([kind], [])


def test_everything_that_a_server_serves_is_told():
    def entry(*verbs, **more):
        return {"scope": "Namespaced", "verbs": verbs, **more}

    below = entry("create", "get", subresource="exec")
    pods = entry("list", "get", resource="pods", subresources=[below])
    core = {"metadata": {}, "versions": [{"version": "v1", "resources": [pods]}]}
    custom = {
        "metadata": {"name": "new.example"},
        "versions": [{"resources": [{"resource": "runs", "scope": "Cluster", "verbs": ["get"]}]}],
    }
    answers = {
        "/api": [(200, {}, {"kind": "APIGroupDiscoveryList", "items": [core]})],
        "/apis": [(200, {}, {"kind": "APIGroupDiscoveryList", "items": [custom]})],
    }
    page = served_page(discover(connection(answers)), "test")
    assert (page.file, page.cluster) == ("/apis", "test")
    assert json.loads(page.content) == [
        ["", "pods", True, ["get", "list"]],
        ["", "pods/exec", True, ["create", "get"]],
        ["new.example", "runs", False, ["get"]],
    ]


PLAIN_GROUPS = {
    "kind": "APIGroupList",
    "groups": [
        {
            "name": name,
            "preferredVersion": {"version": "v1"},
            "versions": [{"version": "v1"}],
        }
        for name in ("apps", "batch", "unrelated.example")
    ],
}


def listed(*entries):
    resources = [{"name": name, "kind": kind, "verbs": ["list"]} for name, kind in entries]
    return (200, {}, {"kind": "APIResourceList", "resources": resources})


def test_a_server_without_aggregated_discovery_is_asked_group_by_group():
    asked = connection(
        {
            "/api": [(200, {}, {"kind": "APIVersions", "versions": ["v1"]})],
            "/api/v1": [listed(("pods", "Pod"), ("pods/log", "Pod"), ("secrets", "Secret"))],
            "/apis": [(200, {}, PLAIN_GROUPS)],
            "/apis/apps/v1": [listed(("deployments", "Deployment"))],
            "/apis/batch/v1": [(403, {}, {"message": "no"})],
        }
    )
    found = discover(asked)
    assert [resource.title for resource in found.resources] == ["pods", "deployments.apps"]
    reasons = [entry.reason for entry in found.broken]
    assert reasons == ["the server does not tell what batch has: no"]
    assert found.broken[0].feeds == ("*.batch",)
    assert found.served == []


ADMISSION = {
    "v1": ("validatingwebhookconfigurations",),
    "v1beta1": ("validatingadmissionpolicies", "validatingwebhookconfigurations"),
}


def aggregated_group(name, versions):
    return {
        "metadata": {"name": name},
        "versions": [
            {
                "version": version,
                "resources": [
                    {"resource": r, "responseKind": {"kind": r}, "verbs": ["list"]}
                    for r in resources
                ],
            }
            for version, resources in versions.items()
        ],
    }


def plain_group(name, versions):
    answers = {
        f"/apis/{name}/{version}": [listed(*((r, r) for r in resources))]
        for version, resources in versions.items()
    }
    first, *_ = versions
    told = {"name": name, "versions": [{"version": v} for v in versions]}
    return answers, {**told, "preferredVersion": {"version": first}}


@pytest.mark.parametrize("aggregated", [True, False])
def test_a_kind_is_read_in_the_version_that_an_older_server_has(aggregated):
    """Groups and kinds that a server has not are not asked for; later versions are not assumed."""
    name = "admissionregistration.k8s.io"
    if aggregated:
        told = {"kind": "APIGroupDiscoveryList", "items": [aggregated_group(name, ADMISSION)]}
        answers = {"/api": [NONE], "/apis": [(200, {}, told)]}
    else:
        answers, group = plain_group(name, ADMISSION)
        answers["/api"] = [(200, {}, {"kind": "APIVersions", "versions": []})]
        answers["/apis"] = [(200, {}, {"kind": "APIGroupList", "groups": [group]})]
    found = discover(connection(answers))
    assert [(r.version, r.plural) for r in found.resources] == [
        ("v1", "validatingwebhookconfigurations"),
        ("v1beta1", "validatingadmissionpolicies"),
    ]
    assert found.broken == []


def test_the_shipped_role_grants_what_is_listed_and_nothing_else(checkout):
    role = yaml.safe_load((checkout / "deploy/base/manifests/cluster-role.yaml").read_text())
    objects = [rule for rule in role["rules"] if "apiGroups" in rule]
    granted = {
        group: frozenset(rule["resources"]) for rule in objects for group in rule["apiGroups"]
    }
    assert granted == WANTED
    assert {verb for rule in objects for verb in rule["verbs"]} == {"list"}
    others = [rule for rule in role["rules"] if rule not in objects]
    assert others == [{"nonResourceURLs": ["/metrics"], "verbs": ["get"]}]


METRICS = b"""# TYPE apiserver_audit_event_total counter
apiserver_audit_event_total 7
process_open_fds 12
apiserver_audit_level_total{level="None"} 3
"""


def test_of_the_metrics_only_lines_about_auditing_are_kept():
    found = audit_counters(connection({"/metrics": [(200, {}, METRICS)]}))
    lines = ["apiserver_audit_event_total 7", 'apiserver_audit_level_total{level="None"} 3']
    assert found == PlainFile("/metrics", "\n".join(lines), "test")


def test_metrics_that_may_not_be_read_name_the_right():
    found = audit_counters(connection({"/metrics": [(403, {}, {"message": "no"})]}))
    assert found.reason == "the verb `get` on the path `/metrics` is not granted"
    assert found.feeds == ("Metrics",)


def test_metrics_that_are_not_served_are_unreadable():
    found = audit_counters(connection({"/metrics": [(404, {}, {"message": "nothing here"})]}))
    assert found.reason == "`get` on /metrics: nothing here"


def falco_pod(name, phase="Running", image="docker.io/falcosecurity/falco:0.44.1", **container):
    spec = {"containers": [{"name": "c", "image": image, **container}]}
    metadata = {"name": name, "namespace": "falco"}
    value = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
    return Manifest({**value, "status": {"phase": phase}}, SourceText("", 0, 0, "", cluster="c"))


def metrics_path(name):
    return f"/api/v1/namespaces/falco/pods/{name}/proxy/metrics"


def test_running_falcos_are_asked_for_what_they_loaded():
    page = b"# HELP x\nfalcosecurity_falco_version_info 1\nother 2\n"
    probe = {"httpGet": {"path": "/healthz", "port": 9000, "scheme": "HTTPS"}}
    pods = [
        falco_pod("a"),
        falco_pod("b", livenessProbe=probe),
        falco_pod("c", phase="Pending"),
        falco_pod("d", image="falcosecurity/falcosidekick:2"),
    ]
    answers = {metrics_path("a:8765"): [(200, {}, page)]}
    answers[metrics_path("https:b:9000")] = [(404, {}, {"message": "not found"})]
    first, second = falco_metrics(connection(answers), pods)
    assert (first.file, first.content) == (
        metrics_path("a:8765"),
        "falcosecurity_falco_version_info 1",
    )
    assert (second.feeds, "serves no metrics" in second.reason) == (("FalcoMetrics",), True)


def test_without_the_right_only_one_falco_is_asked():
    answers = {metrics_path("a:8765"): [(403, {}, {"message": "no"})]}
    (refused,) = falco_metrics(connection(answers), [falco_pod("a"), falco_pod("b")])
    assert refused.reason == "the verb `get` on `pods/proxy` is not granted"


def test_a_flood_of_falcos_ends(monkeypatch):
    monkeypatch.setattr(falco_source, "MAX_PODS", 1)
    answers = {metrics_path("a:8765"): [(200, {}, b"")]}
    found = list(falco_metrics(connection(answers), [falco_pod("a"), falco_pod("b")]))
    assert "more than 1 pods" in found[1].reason
