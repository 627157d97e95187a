# SPDX-License-Identifier: Apache-2.0
"""What does `kguard runtime events` print, and how does it end?"""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import sys
from contextlib import closing

import pytest
from click.testing import CliRunner

from kguard.cli.runtime import command
from kguard.errors import SourceError, UsageError

EVENT = {
    "time": "2026-11-23T10:00:00.000000001Z",
    "rule": "shell",
    "priority": "Notice",
    "hostname": "node-1",
    "output": "a shell",
    "output_fields": {"k8s.ns.name": "shop", "k8s.pod.name": "cart-7d9c6b5f4d-x2x2x"},
}
CART = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: cart, namespace: shop}
spec: {template: {spec: {containers: [{name: c, image: a}]}}}
"""


@pytest.fixture
def run():
    def invoke(*arguments, **settings):
        return CliRunner().invoke(
            command, ["events", *arguments], standalone_mode=False, **settings
        )

    return invoke


@pytest.fixture
def log(tmp_path):
    found = tmp_path / "falco.log"
    found.write_text(f"starting up\n{json.dumps(EVENT)}\n{json.dumps(EVENT)}\n")
    return str(found)


@pytest.fixture
def cart(tmp_path):
    found = tmp_path / "cart.yaml"
    found.write_text(CART)
    return str(found)


def test_a_table(run, log, cart):
    done = run(log, "-i", cart)
    assert done.return_value == 0
    assert re.fullmatch(
        r"Notice +1  shell  Deployment shop/cart  \(last 2026-11-23T10:00:00Z\)\n", done.stdout
    )
    assert done.stderr == "1 alert; 1 delivered twice; 1 line of text\n"


def test_json(run, log):
    found = json.loads(run(log, "-o", "json", "--window", "1h").stdout)
    assert (found["schema"], found["events"]) == ("kguard/runtime-events/v1", 1)
    (group,) = found["groups"]
    assert group["window"] == "2026-11-23T10:00:00.000000000Z"
    assert group["workload"] == "Pod shop/cart-7d9c6b5f4d-x2x2x"


def test_json_lines_of_stdin(run, cart):
    done = run("-", "-i", cart, "-o", "jsonl", input=json.dumps(EVENT))
    (row,) = map(json.loads, done.stdout.splitlines())
    assert (row["rule"], row["subject"]["name"]) == ("shell", "cart")


def test_control_characters_do_not_reach_the_terminal(run):
    done = run("-", input=json.dumps(EVENT | {"rule": "a\x1b[31mb\nc"}))
    assert "\x1b" not in done.stdout
    assert len(done.stdout.splitlines()) == 1


def test_lines_that_cannot_be_read_are_told(run):
    done = run("-", input='{"rule": "x", "priority": "Fatal"}\n')
    assert done.return_value == 3
    assert "not read: it has no time" in done.stderr


def test_alerts_in_text_are_explained(run):
    done = run("-", input="10:00:00.1: Notice A shell was spawned\n")
    assert "need `json_output: true`" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "no alerts to read"),
        (["-", "--window", "soon"], "--window soon is no duration"),
        (["-", "--priority", "fatal"], "'fatal' is no priority"),
        (["-", "--since", "yesterday"], "--since yesterday is no time"),
        (["-", "--follow"], "--follow needs --grpc"),
        (["--listen", "0.0.0.0:2802"], "anybody who reaches 0.0.0.0"),
        (["--grpc", "falco:5060"], "needs --tls-ca"),
    ],
)
def test_what_makes_no_sense(run, arguments, message):
    done = run(*arguments)
    assert isinstance(done.exception, UsageError)
    assert message in str(done.exception)


def test_a_log_that_is_not_there(run):
    assert isinstance(run("/no/such/log").exception, SourceError)


def test_from_a_day_on(run, log):
    assert json.loads(run(log, "--since", "2026-11-23", "-o", "json").stdout)["events"] == 1
    assert json.loads(run(log, "--since", "2026-11-24", "-o", "json").stdout)["events"] == 0


def test_listening_until_it_is_told_to_stop(cart):
    arguments = ["-i", cart, "-o", "jsonl", "--listen", "127.0.0.1:0"]
    process = subprocess.Popen(
        [sys.executable, "-m", "kguard", "runtime", "events", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    port = int(process.stderr.readline().rpartition(" ")[2])
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as client:
        for number in range(200):
            client.request("POST", "/", json.dumps(EVENT | {"rule": f"rule {number}"}))
            with client.getresponse() as answer:
                assert answer.status == 200
                answer.read()
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0
    rules = [json.loads(line)["rule"] for line in out.splitlines()]
    assert rules == [f"rule {number}" for number in range(200)]
    assert err.splitlines()[-1] == "200 alerts"


def test_drops_are_said(run):
    drop = {**EVENT, "rule": "Falco internal: syscall event drop", "source": "internal"}
    done = run("-", input=json.dumps(drop))
    assert "1 alert; 1 say that Falco missed events" in done.stderr
