# SPDX-License-Identifier: Apache-2.0
"""Does the inventory know every way to write a pod, and which object is which?"""

from __future__ import annotations

import pytest

from kguard.inventory import build
from kguard.model.manifests import Collected, Manifest, SourceText

TEMPLATE = {
    "metadata": {"labels": {"app": "web"}},
    "spec": {"containers": [{"name": "main", "image": "web:1", "ports": [{"containerPort": 80}]}]},
}


def thing(version, kind, name="web", *, file="a.yaml", namespace=None, **fields):
    metadata = {"name": name} | ({"namespace": namespace} if namespace else {})
    metadata |= fields.pop("metadata", {})
    value = {"apiVersion": version, "kind": kind, "metadata": metadata, **fields}
    return Manifest(value, SourceText(file, 0, 1, ""))


def inventory(*manifests, **arguments):
    return build(Collected(manifests=list(manifests)), **arguments)


@pytest.mark.parametrize(
    ("version", "kind", "spec"),
    [
        ("v1", "ReplicationController", {"template": TEMPLATE}),
        ("apps/v1", "ReplicaSet", {"template": TEMPLATE}),
        ("apps/v1", "Deployment", {"template": TEMPLATE}),
        ("apps/v1", "StatefulSet", {"template": TEMPLATE}),
        ("apps/v1", "DaemonSet", {"template": TEMPLATE}),
        ("extensions/v1beta1", "Deployment", {"template": TEMPLATE}),
        ("batch/v1", "Job", {"template": TEMPLATE}),
        ("batch/v1", "CronJob", {"jobTemplate": {"spec": {"template": TEMPLATE}}}),
        ("serving.knative.dev/v1", "Service", {"template": TEMPLATE}),
        ("serving.knative.dev/v1", "Configuration", {"template": TEMPLATE}),
        ("sources.knative.dev/v1", "ContainerSource", {"template": TEMPLATE}),
        ("sinks.knative.dev/v1alpha1", "JobSink", {"job": {"spec": {"template": TEMPLATE}}}),
        ("apps.openshift.io/v1", "DeploymentConfig", {"template": TEMPLATE}),
        ("argoproj.io/v1alpha1", "Rollout", {"template": TEMPLATE}),
    ],
)
def test_every_kind_that_makes_pods(version, kind, spec):
    (workload,) = inventory(thing(version, kind, spec=spec)).workloads
    assert workload.labels["app"] == "web"
    assert workload.containers[0].image == "web:1"
    place = workload.manifest.object
    for token in workload.containers[0].pointer.split("/")[1:]:
        place = place[int(token)] if token.isdigit() else place[token]
    assert place["image"] == "web:1"


def test_pods_and_revisions_are_their_own_template():
    pod = thing("v1", "Pod", spec=TEMPLATE["spec"], metadata=TEMPLATE["metadata"])
    revision = thing("serving.knative.dev/v1", "Revision", spec=TEMPLATE["spec"])
    found = inventory(pod, revision).workloads
    assert [w.owner_kind for w in found] == ["Pod", "Revision"]
    assert found[0].labels == {"app": "web"}


def test_a_declared_custom_kind():
    custom = thing("example.com/v1", "Fleet", spec={"pods": TEMPLATE})
    assert inventory(custom).workloads == []
    (workload,) = inventory(custom, templates={"Fleet.example.com": "/spec/pods"}).workloads
    assert workload.pod_pointer == "/spec/pods/spec"


def test_knative_pods_as_the_controller_makes_them():
    service = thing("serving.knative.dev/v1", "Service", "hello", spec={"template": TEMPLATE})
    (workload,) = inventory(service).workloads
    assert workload.labels == {
        "app": "web",
        "serving.knative.dev/configuration": "hello",
        "serving.knative.dev/revision": "hello-00001",
        "serving.knative.dev/service": "hello",
    }
    assert [(p.container, p.number) for p in workload.ports] == [
        ("main", 80),
        ("queue-proxy", 8022),
        ("queue-proxy", 9090),
        ("queue-proxy", 9091),
        ("queue-proxy", 8012),
        ("queue-proxy", 8112),
    ]


def test_what_a_controller_of_the_input_owns_is_no_workload_of_its_own():
    deployment = thing("apps/v1", "Deployment", spec={"template": TEMPLATE})
    owner = [{"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "controller": True}]
    owned = thing(
        "apps/v1",
        "ReplicaSet",
        "web-1",
        spec={"template": TEMPLATE},
        metadata={"ownerReferences": owner},
    )
    assert [w.name for w in inventory(deployment, owned).workloads] == ["web"]
    assert [w.name for w in inventory(owned).workloads] == ["web-1"]


def test_an_omitted_namespace_is_the_given_one_and_cluster_scoped_kinds_have_none():
    crd = thing(
        "apiextensions.k8s.io/v1",
        "CustomResourceDefinition",
        spec={"group": "example.com", "scope": "Cluster", "names": {"kind": "Fleet"}},
    )
    found = inventory(
        thing("v1", "Service"),
        thing("v1", "Namespace", "shop"),
        thing("example.com/v1", "Fleet", "f"),
        crd,
        namespace="prod",
    )
    assert {m.id for m in found} == {
        "CustomResourceDefinition.apiextensions.k8s.io/-/web",
        "Fleet.example.com/-/f",
        "Namespace/-/shop",
        "Service/prod/web",
    }


def test_the_last_definition_of_an_object_wins_whatever_the_order():
    one = thing("v1", "Service", file="a.yaml", spec={"type": "ClusterIP"})
    two = thing("v1", "Service", file="b.yaml", spec={"type": "NodePort"})
    for manifests in ((one, two), (two, one)):
        found = inventory(*manifests)
        assert [m.spec["type"] for m in found] == ["NodePort"]
        assert [m.id for m in found.shadowed] == ["Service/default/web#2"]


def test_namespaces_carry_the_implied_name_label():
    found = inventory(
        thing("v1", "Namespace", "shop", metadata={"labels": {"team": "a"}}),
        thing("v1", "Service", namespace="other"),
    )
    assert found.namespace_labels("shop") == {"team": "a", "kubernetes.io/metadata.name": "shop"}
    assert found.namespaces["shop"].known
    assert not found.namespaces["other"].known
    assert found.namespace_labels("nowhere") == {"kubernetes.io/metadata.name": "nowhere"}


@pytest.mark.parametrize("junk", [None, 7, "x", [], {"spec": None}, {"spec": {"containers": "x"}}])
def test_hostile_templates_do_not_crash(junk):
    found = inventory(thing("apps/v1", "Deployment", spec={"template": junk}))
    assert [c for w in found.workloads for c in w.containers] == []
