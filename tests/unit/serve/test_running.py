# SPDX-License-Identifier: Apache-2.0
"""Does a running server take up what changes, keep what cannot be used, and end when told to?"""

from __future__ import annotations

import asyncio
import os
import signal

import msgspec
import pytest

from kguard.engine.embedded import EmbeddedEngine
from kguard.model.manifests import Collected
from kguard.serve import running
from kguard.serve.settings import Serving, set_up
from kguard.serve.tls import Certificates, Files
from kguard.serve.views import View
from kguard.serve.webhook import Webhook
from tests.objects import manifests
from tests.unit.serve.conftest import CLUSTER
from tests.unit.serve.test_webhook import OPTIONS, post, response, review


@pytest.fixture
def folder(tmp_path):
    """A folder with one policy of a user."""
    found = tmp_path / "policies" / "network"
    found.mkdir(parents=True)
    return found


def serving(files, folder, talk):
    """What `talk(webhook)` returns while the server runs; then it is told to stop."""

    def again():
        options = msgspec.structs.replace(OPTIONS, policy_dirs=(str(folder.parent),))
        return set_up(options, gate="high", allow_unknown=False, start=EmbeddedEngine)

    async def whole():
        settings = Serving(host="127.0.0.1", port=0, deadline=29.0, reload=0.02)
        view = View(Collected(manifests=manifests(CLUSTER)))
        webhook = Webhook(settings, view, again())
        server = running._serve(settings, Certificates(Files(*files)), webhook, again)
        task = asyncio.create_task(server)
        try:
            return await asyncio.wait_for(talk(webhook), 60)
        finally:
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.wait_for(task, 60)
            webhook.close()

    return asyncio.run(whole())


async def until(webhook, what, result):
    key = (("what", what), ("result", result))
    while not webhook.metrics.reloads[key]:  # noqa: ASYNC110 - nobody tells of a reload
        await asyncio.sleep(0.01)


POLICY = """# METADATA
# title: A namespace has a policy of ours
# description: Every workload is named by the rules of the house.
# scope: package
# custom:
#   severity: high
#   layer: network
#   subjects: workloads
#   controls: []
#   since: "0.1"
package kguard.network.house

deny contains finding if {
	some workload in input.workloads
	workload.ref.kind == "Pod"
	finding := {"target": workload.ref, "message": "pods stand alone", "path": "", "evidence": []}
}
"""
POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "alone"},
    "spec": {"containers": [{"name": "a", "image": "a"}]},
}
ASKED = review(POD, kind={"group": "", "version": "v1", "kind": "Pod"})


def test_a_policy_that_changes_decides_from_then_on(files, folder):
    (folder / "house.rego").write_text(POLICY)

    async def talk(webhook):
        before = response(await webhook(post(ASKED)))
        text = POLICY.replace("stand alone", "are told to stand alone")
        (folder / "house.rego").write_text(text)
        await until(webhook, "policies", "changed")
        return before, response(await webhook(post(ASKED)))

    before, after = serving(files, folder, talk)
    assert "network/house: pods stand alone" in before["status"]["message"]
    assert "network/house: pods are told to stand alone" in after["status"]["message"]


@pytest.mark.parametrize(
    ("was", "broken"),
    [("severity: high", "severity: dreadful"), ("some workload", "some some workload")],
)
def test_what_cannot_be_used_leaves_everything_as_it_was(files, folder, was, broken):
    (folder / "house.rego").write_text(POLICY)

    async def talk(webhook):
        digest = webhook.setup.digest
        (folder / "house.rego").write_text(POLICY.replace(was, broken))
        files[0].write_text("no certificate")
        await until(webhook, "policies", "failed")
        await until(webhook, "tls", "failed")
        return digest == webhook.setup.digest, response(await webhook(post(ASKED)))

    same, found = serving(files, folder, talk)
    assert same
    assert "network/house" in found["status"]["message"]
