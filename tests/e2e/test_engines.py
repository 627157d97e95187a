# SPDX-License-Identifier: Apache-2.0
"""Do the embedded engine and a real OPA server say exactly the same, on every case?"""

from __future__ import annotations

import subprocess

import msgspec
import pytest
from opa_client.opa import OpaClient

from kguard.engine import catalog
from kguard.engine.base import Batch
from kguard.engine.embedded import EmbeddedEngine
from kguard.engine.opa_server import OpaEngine
from kguard.errors import EngineError
from tests.cases.runner import LoadedOnce, cases, judge, read_inputs
from tests.e2e import live
from tests.unit.engine import adopted
from tests.unit.engine.policies import evaluated, policy


@pytest.fixture(scope="module")
def opa_url(testbed):
    (port,) = live.free_ports(1)
    url = f"http://127.0.0.1:{port}"
    command = [
        testbed("opa"),
        "run",
        "--server",
        "--addr",
        f"127.0.0.1:{port}",
        "--log-level=error",
    ]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as server:
        OpaClient(port=port).wait_for_ready()
        yield url
        server.terminate()


class OpaOnce(OpaEngine):
    """The server with the shipped policies, uploaded once for all cases."""

    def __init__(self, url):
        super().__init__(url)
        self.failures = super().load(catalog.bundled(), {})

    def load(self, policies, libraries):
        del policies, libraries
        return self.failures


@pytest.fixture(scope="module")
def engines(opa_url):
    embedded, server = LoadedOnce(), OpaOnce(opa_url)
    yield embedded, server
    embedded.close()
    server.close()


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.id)
def test_both_engines_say_the_same(case, engines):
    first, second = (judge(case, read_inputs(case), engine).report for engine in engines)
    assert msgspec.json.encode(first) == msgspec.json.encode(second)


def test_both_engines_say_the_same_by_policies_of_other_tools(opa_url):
    client = OpaClient(port=int(opa_url.rpartition(":")[2]))
    before = sorted(client.get_policies_list())
    embedded, server = EmbeddedEngine(), OpaEngine(opa_url)
    first, second = adopted.judged(embedded), adopted.judged(server)
    embedded.close()
    server.close()
    assert msgspec.json.encode(first) == msgspec.json.encode(second)
    assert len(first.findings) == len(adopted.EXPECTED)
    assert sorted(client.get_policies_list()) == before


def test_policies_are_removed_afterwards(opa_url):
    engine = OpaEngine(opa_url)
    before = sorted(engine._client.get_policies_list())
    engine.load([policy("left", _GOOD)], {})
    assert len(engine._client.get_policies_list()) == len(before) + 1
    engine.close()
    other = OpaEngine(opa_url)
    assert sorted(other._client.get_policies_list()) == before
    other.close()


def test_a_name_that_is_taken_is_refused(opa_url):
    one, other = OpaEngine(opa_url), OpaEngine(opa_url)
    one.load([policy("taken", _GOOD)], {})
    with pytest.raises(EngineError, match="already holds"):
        other.load([policy("taken", _GOOD)], {})
    one.close()
    other.close()


def test_failures_are_named_and_the_others_stay(opa_url):
    engine = OpaEngine(opa_url)
    good, bad, odd = (
        policy("good", _GOOD.replace("left", "good")),
        policy("bad", "package kguard.network.bad\n\ndeny contains x if {\n\tx :=\n}\n"),
        policy("odd", "package kguard.network.odd\n\nallow := true\n"),
    )
    failures = engine.load([good, bad, odd], {})
    batch = Batch("network", b'{"workloads": []}', (good, bad, odd))
    answers, more = evaluated(engine, batch)
    engine.close()
    assert [f.policy for f in failures] == ["network/bad"]
    assert [(f.policy, "undefined" in f.reason) for f in more] == [("network/odd", True)]
    assert list(answers) == ["data.kguard.network.good.deny"]


def test_an_unreachable_server_is_one_sentence(tmp_path, kguard):
    (port,) = live.free_ports(1)
    (tmp_path / "web.yaml").write_text("apiVersion: v1\nkind: Pod\nmetadata: {name: web}\n")
    url = f"http://127.0.0.1:{port}"
    done = kguard("scan", tmp_path, "--engine", "opa", "--opa-url", url)
    assert done.returncode == 3
    assert done.stderr.startswith(f"kguard: {url}: the OPA server does not answer")
    assert "Traceback" not in done.stderr


_GOOD = """package kguard.network.left
deny contains finding if {
	some workload in input.workloads
	finding := {"target": workload, "message": "open", "path": "", "evidence": []}
}
"""
