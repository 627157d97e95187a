# SPDX-License-Identifier: Apache-2.0
"""Does a policy that `kguard policies new` begins run, pass its test, and judge real facts?"""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime

import pytest

from kguard import layers
from kguard.engine import catalog, scaffold
from kguard.engine.embedded import EmbeddedEngine
from kguard.engine.embedded.policy_tests import run
from kguard.errors import UsageError
from kguard.model.manifests import Collected
from kguard.scan import Options, scan
from tests.objects import manifests

WEB = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: change-me}
spec:
  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: web, image: web}]}}
"""


def texts(name, *, objects=False, **options):
    facts = None if objects else layers.load(scaffold.parts(name)[0]).facts_type
    return scaffold.texts(name, facts, **options)


BEGUN = [
    ("network/far-too-open", {}),
    ("network/policy-of-mine", {"subjects": "policies"}),
    ("mtls/payments-plaintext", {}),
    ("audit/mine", {}),
    ("runtime/mine", {}),
    ("manifests/no-owner", {"objects": True}),
    ("images/mine", {"objects": True}),
]


@pytest.fixture(params=BEGUN, ids=[name for name, _ in BEGUN])
def begun(request, tmp_path):
    name, options = request.param
    scaffold.write(tmp_path, texts(name, **options))
    return name, tmp_path


def test_its_test_passes(begun):
    outcomes = run(begun[1])
    assert len(outcomes) == 2
    assert not any(outcome.problem for outcome in outcomes)


def test_it_is_a_policy_of_its_id(begun):
    name, folder = begun
    (policy,) = catalog.load(folder)
    assert policy.id == name
    collections = {*layers.load(policy.layer).facts_type.__struct_fields__, ""}
    assert policy.subjects in collections


def test_opa_reads_it_as_it_is_formatted(begun, testbed):
    opa = testbed("opa")
    for arguments in (["check", "--strict"], ["fmt", "--fail", "--diff"], ["test"]):
        done = subprocess.run(
            [opa, *arguments, begun[1]], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("name", "objects"), [("network/far-too-open", False), ("manifests/no-owner", True)]
)
def test_it_judges(tmp_path, name, objects):
    scaffold.write(tmp_path, texts(name, objects=objects))
    options = Options(
        at=datetime(2026, 11, 30, tzinfo=UTC), policies=(name,), policy_dirs=(str(tmp_path),)
    )
    engine = EmbeddedEngine()
    try:
        report = scan(Collected(manifests=manifests(WEB)), options, engine).report
    finally:
        engine.close()
    (finding,) = report.findings
    assert (finding.policy, finding.target.name) == (name, "web")


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("mtsl/x", {}, "names no layer"),
        ("x", {}, "names no layer"),
        ("mtls/", {}, "no id of a policy"),
        ("mtls/Über", {}, "no id of a policy"),
        ("mtls/../x", {}, "no id of a policy"),
        ("mtls/x", {"subjects": "workload"}, "no collection `workload`"),
    ],
)
def test_what_makes_no_sense_is_one_sentence(name, options, said):
    with pytest.raises(UsageError, match=said):
        texts(name, **options)


def test_nothing_is_overwritten(tmp_path):
    files = texts("mtls/x")
    scaffold.write(tmp_path, files)
    with pytest.raises(UsageError, match="there is a policy of that name"):
        scaffold.write(tmp_path, files)
