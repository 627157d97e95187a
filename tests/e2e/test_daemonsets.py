# SPDX-License-Identifier: Apache-2.0
"""Does `kguard runtime coverage` on a live cluster say where its DaemonSet controller puts pods?"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from support.generators.daemonsets import daemonset, node
from tests.e2e import live

SEED = 20261130
NODES, DAEMONSETS = 30, 25
SETTLED_SECONDS = 120.0


@pytest.fixture(scope="module")
def controlled(testbed, tmp_path_factory) -> Iterator[live.Cluster]:
    """An API server whose nodes are as written, and the DaemonSet controller."""
    testbed("kube-controller-manager")
    folder = tmp_path_factory.mktemp("daemonsets")
    as_written = ("--disable-admission-plugins=TaintNodesByCondition",)
    with (
        live.running(testbed, folder, options=as_written) as cluster,
        live.controlling(testbed, folder, cluster, "daemonset-controller"),
    ):
        yield cluster


def apply(cluster: live.Cluster, folder: Path, items: list[dict[str, Any]]) -> None:
    path = folder / "objects.json"
    path.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
    cluster.apply(path, "--server-side")


def settled(cluster: live.Cluster) -> list[dict[str, Any]]:
    """The pods once the controller has nothing left to do; fails when that takes too long."""
    deadline = time.monotonic() + SETTLED_SECONDS
    while time.monotonic() < deadline:
        sets = json.loads(cluster.run("get", "daemonsets", "-o", "json"))["items"]
        pods = json.loads(cluster.run("get", "pods", "-o", "json"))["items"]
        # currentNumberScheduled counts bound pods alone; unbound ones are told by their affinity.
        wanted = sum(one["status"].get("desiredNumberScheduled", 0) for one in sets)
        seen = all(
            one["status"].get("observedGeneration") == one["metadata"]["generation"] for one in sets
        )
        if sets and seen and len(pods) == wanted:
            return pods
        time.sleep(0.5)
    raise AssertionError(f"{len(pods)} pods of {wanted} after {SETTLED_SECONDS} s")


def home(pod: dict[str, Any]) -> tuple[str, str]:
    """The DaemonSet of a pod, and the node that it is made for."""
    owner = pod["metadata"]["ownerReferences"][0]["name"]
    bound = pod["spec"].get("nodeName")
    if bound:
        return owner, bound
    required = pod["spec"]["affinity"]["nodeAffinity"][
        "requiredDuringSchedulingIgnoredDuringExecution"
    ]
    fields = required["nodeSelectorTerms"][0]["matchFields"]
    return owner, next(f["values"][0] for f in fields if f["key"] == "metadata.name")


def test_coverage_is_where_the_controller_puts_pods(controlled, kguard, tmp_path):
    random = Random(SEED)
    names = [f"n{number}" for number in range(NODES)]
    apply(controlled, tmp_path, [node(random, name) for name in names])
    sets = [daemonset(random, f"d{number}", names) for number in range(DAEMONSETS)]
    apply(controlled, tmp_path, sets)
    real = {home(pod) for pod in settled(controlled)}
    done = kguard(
        *("runtime", "coverage", "--context", "admin", "--daemonset", "*", "-o", "json"),
        env={"KUBECONFIG": str(controlled.kubeconfig)},
    )
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)
    assert len(rows) == NODES * DAEMONSETS
    ours = {(row["daemonset"], row["node"]) for row in rows if row["covered"]}
    assert ours == real
    assert len(real) > NODES, "the random cluster decides too little"
    assert all(row["reason"] for row in rows if not row["covered"])
