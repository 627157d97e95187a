# SPDX-License-Identifier: Apache-2.0
"""Does a child process answer as this one would, and does nothing depend on it?"""

from __future__ import annotations

import json
import os
import signal
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from kguard.layers.images.verification import assistant as module
from kguard.layers.images.verification.assistant import FEW, Assistant, helped
from kguard.layers.images.verification.opinion import opinion
from support.generators.signed.cases import files, pki
from support.generators.signed.images import sign

PATIENCE = 30.0


@pytest.fixture(scope="module")
def asked():
    """A root and bundles: one that holds, one that does not, and no bundle."""
    signed = sign("bundle-v1", pki("acme"), f"sha256:{'a' * 64}", "signer")
    root, bundle = files()["good.json"], json.dumps(signed.document).encode()
    return [
        (root, bundle, b""),
        (root, bundle, b"x" * 32),
        (root, b"{}", b""),
        (b"{}", bundle, b""),
    ]


@pytest.fixture
def assistants():
    """Starts assistants, and ends them."""
    started = []

    def start(*command, seconds=PATIENCE):
        started.append(Assistant(command, seconds) if command else Assistant(seconds=seconds))
        return started[-1]

    yield start
    for one in started:
        one.close()


def test_the_child_answers_as_this_process_does(asked, assistants):
    expected = [opinion(*question) for question in asked]
    assert [answer.partition(" ")[0] for answer in expected] == ["", "bundle", "bundle", "root"]
    assert list(map_all(assistants(), asked * 4)) == expected * 4


def map_all(ask, questions):
    with ThreadPoolExecutor(8) as pool:
        return pool.map(lambda question: ask(*question), questions)


def test_a_child_that_ends_is_replaced_by_this_process(asked, assistants):
    ask = assistants(sys.executable, "-c", "import sys; sys.stdin.readline()")
    assert list(map_all(ask, asked)) == [opinion(*question) for question in asked]


def test_a_child_that_does_not_answer_is_ended(asked, assistants):
    ask = assistants(sys.executable, "-c", "import sys; sys.stdin.read()", seconds=0.1)
    assert ask(*asked[0]) == ""


def test_a_child_that_is_killed_loses_nothing(asked, assistants):
    ask = assistants()
    assert ask(*asked[0]) == ""
    os.kill(ask._process.pid, signal.SIGKILL)
    assert list(map_all(ask, asked)) == [opinion(*question) for question in asked]


def test_few_images_need_no_child(monkeypatch):
    monkeypatch.setattr(module, "Assistant", None)
    with helped(FEW) as ask:
        assert ask is opinion
