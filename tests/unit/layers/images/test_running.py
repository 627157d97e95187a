# SPDX-License-Identifier: Apache-2.0
"""Is what pods really run read from their status, in every form that runtimes write?"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from kguard.inventory.workloads import expand
from kguard.layers.images.facts import compute
from kguard.layers.images.facts.uses import knative_settings, uses_of
from kguard.layers.images.semantics.image_ids import ImageId, read_image_id
from kguard.model.layer import Request
from tests.objects import inventory

A, B = "a" * 64, "b" * 64


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"r.test/a@sha256:{A}", ImageId("manifest", f"sha256:{A}", "r.test/a")),
        (f"r.test:5000/a@sha256:{A}", ImageId("manifest", f"sha256:{A}", "r.test:5000/a")),
        (f"docker-pullable://nginx@sha256:{A}", ImageId("manifest", f"sha256:{A}", "nginx")),
        (f"docker://sha256:{A}", ImageId("config", f"sha256:{A}")),
        (f"sha256:{A}", ImageId("config", f"sha256:{A}")),
        (A, ImageId("config", f"sha256:{A}")),
        ("", ImageId("none")),
        ("nginx:latest", ImageId("unknown")),
        (f"r.test/a@sha512:{A}{A}", ImageId("unknown")),
        (f"@sha256:{A}", ImageId("unknown")),
        (f"sha256:{A}x", ImageId("unknown")),
    ],
)
def test_every_form_of_an_image_id(text, said):
    assert read_image_id(text) == said


def uses(text):
    found = inventory(text)
    settings = knative_settings(found)
    return [use for w in expand(found) for use in uses_of(found, w, settings)]


POD = """
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {serving.knative.dev/revision: %s}}
spec:
  initContainers: [{name: prepare, image: r.test/prepare:1}]
  containers: [{name: web, image: "%s"}]
  volumes: [{name: model, image: {reference: "r.test/model:1"}}]
status:
  phase: Running
  initContainerStatuses: [{name: prepare, imageID: "r.test/prepare@sha256:%s"}]
  containerStatuses:
  - name: web
    imageID: "%s"
    volumeMounts:
    - {name: model, mountPath: /m, volumeStatus: {image: {imageRef: "r.test/model@sha256:%s"}}}
"""


def test_containers_init_containers_and_volumes():
    text = POD % ("x", "r.test/web:1", A, f"r.test/web@sha256:{B}", A)
    found = {use.container: (use.role, use.how, use.digest) for use in uses(text)}
    assert found == {
        "prepare": ("init", "pod_status", f"sha256:{A}"),
        "web": ("container", "pod_status", f"sha256:{B}"),
        "model": ("volume", "pod_status", f"sha256:{A}"),
    }


def test_the_repository_of_the_node_is_remembered():
    text = POD % ("x", "r.test/web:1", A, f"mirror.test/copy@sha256:{B}", A)
    [web] = [use for use in uses(text) if use.container == "web"]
    assert (web.reference.context, web.elsewhere.context) == ("r.test/web", "mirror.test/copy")


def test_a_container_that_has_not_been_started():
    [web] = [u for u in uses(POD % ("x", "r.test/web:1", A, "", A)) if u.container == "web"]
    assert (web.how, web.running) == ("unresolved", ())


def test_a_loaded_image_has_no_digest():
    text = POD % ("x", "r.test/web:1", A, f"sha256:{B}", A)
    [web] = [use for use in uses(text) if use.container == "web"]
    assert (web.how, web.digest) == ("pod_config", "")


def test_a_digest_that_admission_added_counts():
    deployment = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: d, namespace: shop}
spec: {template: {spec: {containers: [{name: web, image: "%s"}]}}}
---
"""
    owned = "name: web, ownerReferences: [{apiVersion: apps/v1, kind: Deployment, name: d}]"
    pod = POD % ("x", f"r.test/web:1@sha256:{B}", A, f"r.test/web@sha256:{B}", A)
    text = deployment + pod.replace("name: web", owned, 1)
    [web] = [u for u in uses(text % "r.test/web:1") if u.container == "web"]
    assert (web.how, web.digest, web.origin) == ("pod_status", f"sha256:{B}", "manifest")
    for older in ("r.test/web:2", "r.test/other:1"):
        [web] = [u for u in uses(text % older) if u.container == "web"]
        assert (web.how, web.digest) == ("unresolved", "")


SERVICE = """
apiVersion: serving.knative.dev/v1
kind: Service
metadata: {name: hello, namespace: shop}
spec: {template: {spec: {containers: [{name: web, image: "r.test/web:1"}]}}}
status: {latestReadyRevisionName: hello-2}
---
"""


@pytest.mark.parametrize(("revision", "seen"), [("hello-2", (f"sha256:{B}",)), ("hello-1", ())])
def test_only_the_latest_revision_of_a_knative_service_counts(revision, seen):
    owner = "{apiVersion: serving.knative.dev/v1, kind: Service, name: hello}"
    owned = f"name: web, ownerReferences: [{owner}]"
    pod = POD % (revision, f"r.test/web@sha256:{B}", A, f"r.test/web@sha256:{B}", A)
    found = uses(SERVICE + pod.replace("name: web", owned, 1))
    [web] = [use for use in found if use.container == "web"]
    assert web.running == seen


REPLICAS = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: d, namespace: shop}
spec: {template: {spec: {containers: [{name: web, image: "r.test/web:1"}]}}}
"""
OWNED = """
apiVersion: v1
kind: Pod
metadata:
  name: %s
  namespace: shop
  ownerReferences: [{apiVersion: apps/v1, kind: Deployment, name: d}]
spec: {containers: [{name: web, image: "r.test/web:1"}]}
status:
  phase: Running
  containerStatuses: [{name: web, imageID: "r.test/web@sha256:%s"}]
"""


@pytest.mark.parametrize(
    ("digests", "alike"), [((A, A), ["true"]), ((A, B), ["false", "false"]), ((), ["unknown"])]
)
def test_replicas_are_alike_or_not(digests, alike):
    pods = [OWNED % (f"p{number}", digest) for number, digest in enumerate(digests)]
    found = inventory("---".join([REPLICAS, *pods]))
    request = Request("app", datetime(2026, 11, 23, tzinfo=UTC))
    assert [use.alike for use in compute(found, request).uses] == alike
