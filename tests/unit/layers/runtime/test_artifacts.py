# SPDX-License-Identifier: Apache-2.0
"""What does a Falco fetch, how carefully, and is its driver its own?"""

from __future__ import annotations

from typing import Any

import pytest

from kguard.model.facts.runtime import Artifact
from tests.unit.layers.runtime.test_facts import config_map, daemonset, facts
from tests.unit.layers.runtime.test_operator import artifact as resource
from tests.unit.layers.runtime.test_operator import falco


def rows(found: list[Artifact]) -> list[tuple[Any, ...]]:
    return [(a.reference, a.fetch, a.moving, a.careless) for a in found]


def fetching(*args: str, config: str = "", image: str = "falcosecurity/falcoctl:0.13.0"):
    mounts = [{"name": "ctl", "mountPath": "/etc/falcoctl"}]
    container = {"name": "i", "image": image, "args": [*args], "volumeMounts": mounts}
    made = daemonset(initContainers=[container])
    spec = made["spec"]["template"]["spec"]
    spec["volumes"].append({"name": "ctl", "configMap": {"name": "ctl"}})
    objects = [made, config_map("ctl", falcoctl__yaml=config)] if config else [made]
    return rows(facts(*objects).artifacts)


REFS = "artifact:\n  install:\n    refs: [falco-rules:5, ghcr.io/a/b]\n"


@pytest.mark.parametrize(
    ("args", "config", "found"),
    [
        (["artifact", "install", "falco-rules:5"], "", [("falco-rules:5", "install", False, [])]),
        (["artifact", "install", "falco-rules"], "", [("falco-rules", "install", True, [])]),
        (["artifact", "follow", "a:latest"], "", [("a:latest", "follow", True, [])]),
        (
            ["artifact", "follow", f"a@sha256:{'0' * 64}", "--plain-http"],
            "",
            [(f"a@sha256:{'0' * 64}", "follow", False, ["plain_http"])],
        ),
        (
            ["artifact", "install", "--no-verify"],
            REFS,
            [
                ("falco-rules:5", "install", False, ["no_signature"]),
                ("ghcr.io/a/b", "install", True, ["no_signature"]),
            ],
        ),
        (["artifact", "follow"], REFS, []),
        (["index", "list"], REFS, []),
        (["artifact", "install"], "- junk\n", []),
        (["artifact", "install"], "artifact: {install: 7, noVerify: x}\n", []),
    ],
)
def test_falcoctl_beside_falco(args, config, found):
    assert fetching(*args, config=config) == found


def test_other_containers_fetch_nothing():
    assert fetching("artifact", "install", "a:1", image="busybox:1") == []


@pytest.mark.parametrize(
    ("registry", "careless"),
    [
        ({}, []),
        ({"plainHTTP": True}, ["plain_http"]),
        ({"tls": {"insecureSkipVerify": True}}, ["any_certificate"]),
        ({"plainHTTP": "yes", "tls": 7}, []),
    ],
)
def test_artifacts_of_the_operator(registry, careless):
    written = {"image": {"repository": "a/rules", "tag": "5"}, "registry": registry}
    found = facts(falco(), resource("Rulesfile", "r", ociArtifact=written)).artifacts
    assert rows(found) == [("a/rules:5", "operator", False, careless)]


UNSIGNED = """\
falcoctl:
  artifact: {follow: {enabled: false}}
  config: {artifact: {noVerify: true, install: {refs: [falco-rules]}}}
"""


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", [("falco-rules:5", "follow", False, []), ("falco-rules:5", "install", False, [])]),
        (
            "falcoctl: {artifact: {follow: {enabled: false}, install: {args: [--no-verify]}}}\n",
            [("falco-rules:5", "install", False, ["no_signature"])],
        ),
        (
            UNSIGNED,
            [("falco-rules", "install", True, ["no_signature"])],
        ),
        ("falcoctl: {artifact: {follow: {enabled: false}, install: {enabled: false}}}\n", []),
    ],
)
def test_values_of_the_chart(text, found):
    values = "falco: {json_output: true}\ndriver: {kind: auto}\n" + text
    assert rows(facts(files={"values.yaml": values}).artifacts) == found


@pytest.mark.parametrize(
    ("falco_image", "loader", "states"),
    [
        ("falco:0.44.1", "falco-driver-loader:0.44.0", []),
        ("falco:0.44.1", "falco-driver-loader:0.43.0", ["differs"]),
        ("falco:0.44.1", "falco-driver-loader:0.44.1-buster", []),
        ("falco:0.44.1", "falco-driver-loader-legacy:0.43.0", ["differs"]),
        ("falco:0.44.1", "falco-driver-loader:latest", ["unknown"]),
        ("falco:latest", "falco-driver-loader:0.44.1", ["unknown"]),
        ("falco:0.44.1", "busybox:1", []),
    ],
)
def test_the_release_of_the_driver(falco_image, loader, states):
    container = {"name": "l", "image": f"docker.io/falcosecurity/{loader}"}
    image = f"docker.io/falcosecurity/{falco_image}"
    found = facts(daemonset(image=image, initContainers=[container])).drivers
    assert [driver.state for driver in found] == states
