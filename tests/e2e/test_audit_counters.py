# SPDX-License-Identifier: Apache-2.0
"""Do the counters of a real API server show whether it records, and is a refusal never a pass?"""

from __future__ import annotations

import json

import pytest

from tests.e2e import live

pytestmark = pytest.mark.testbed("etcd", "kube-apiserver", "kubectl")

_NONE = "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n- level: None\n"
SERVERS = {
    "recording": (live.AUDIT_POLICY, "on", "unknown"),
    "silent": (_NONE, "off", "open"),
    "off": ("", "off", "open"),
}


@pytest.mark.parametrize("counted", SERVERS)
def test_the_counters_tell_what_happens(counted, testbed, tmp_path, kguard, checkout):
    text, recording, state = SERVERS[counted]
    with live.running(testbed, tmp_path, text) as cluster:
        environment = {"KUBECONFIG": str(cluster.kubeconfig)}
        facts = _facts(kguard, "admin", environment)
        assert [(s["counted"], s["recording"]) for s in facts["servers"]] == [(counted, recording)]
        assert _found(kguard, "admin", environment) == [("audit/recording-off", state)]
        _refused(_facts(kguard, "stranger", environment))
        assert _found(kguard, "stranger", environment) == [("audit/no-evidence", "unknown")]
        cluster.apply(checkout / "deploy/base/manifests/cluster-role.yaml")
        cluster.run("create", "clusterrolebinding", "k", "--clusterrole=kguard", "--user=scanner")
        assert _facts(kguard, "scanner", environment)["servers"][0]["recording"] == recording


def _refused(facts):
    assert facts["servers"] == []
    assert facts["presence"] == "unknown"
    missing = "context stranger: the verb `get` on the path `/metrics` is not granted"
    assert any(step["note"].startswith(missing) for step in facts["unread"])


def _facts(kguard, user, environment):
    done = kguard("facts", "--context", user, "--layer", "audit", env=environment)
    return json.loads(done.stdout)["audit"]


def _found(kguard, user, environment):
    done = kguard("scan", "--context", user, "--layer=audit", "-o", "json", env=environment)
    report = json.loads(done.stdout)
    about = ("audit/recording-off", "audit/no-evidence")
    return [(f["policy"], f["state"]) for f in report["findings"] if f["policy"] in about]
