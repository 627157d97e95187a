# SPDX-License-Identifier: Apache-2.0
"""Does a child process answer as this one would, and does nothing depend on it?"""

from __future__ import annotations

import json
import os
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from kguard.layers.images.verification import assistant as module
from kguard.layers.images.verification.assistant import FEW, Assistant, helped
from kguard.layers.images.verification.bundles import check_bundle
from kguard.layers.images.verification.keys import load_pem
from kguard.layers.images.verification.rejected import RejectedError
from kguard.layers.images.verification.trusted_root import parse_root
from kguard.layers.images.verification.verify import Material, Requirements
from support.generators.signed.cases import SIGNER, files, pki
from support.generators.signed.images import sign

PATIENCE = 30.0
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
DIGEST, ANOTHER = f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"
WANTED = ["holds", "tampered", "unsupported_format", "untrusted_root", "unverifiable_offline"]
WANTED += ["holds", "unverifiable_offline", "holds", "holds"]


def _bundle(form):
    return json.dumps(sign(form, pki("acme"), DIGEST, SIGNER).document).encode()


@pytest.fixture(scope="module")
def asked():
    """Bundles that hold, and one for each of several reasons why they do not."""
    good, keyed = _bundle("bundle-v1"), _bundle("bundle-key")
    unlogged = json.loads(good)
    del unlogged["verificationMaterial"]["tlogEntries"]
    root, other = (parse_root(files()[name]) for name in ("good.json", "other.json"))
    key = load_pem(files()[f"keys/{SIGNER}.pub"])
    return [
        (good, DIGEST, Material(root, None, NOW)),
        (good, ANOTHER, Material(root, None, NOW)),
        (b"{}", DIGEST, Material(root, None, NOW)),
        (good, DIGEST, Material(other, None, NOW)),
        (good, DIGEST, Material(None, None, NOW)),
        (keyed, DIGEST, Material(root, key, NOW, Requirements(log="if_present"))),
        (json.dumps(unlogged).encode(), DIGEST, Material(root, None, NOW)),
        (_bundle("bundle-attestation"), DIGEST, Material(root, None, NOW)),
        (_bundle("bundle-v2"), DIGEST, Material(root, None, NOW)),
    ]


@pytest.fixture
def assistants():
    """Starts assistants, and ends them."""
    started = []

    def start(*command, seconds=PATIENCE):
        started.append(Assistant(command, seconds))
        return started[-1]

    yield start
    for one in started:
        one.close()


def said(check, question):
    """Everything that a verdict tells, without the key as an object."""
    try:
        found = check(*question, listed=True)
    except RejectedError as error:
        return error.verdict, error.reason
    return "holds", found.identity, found.key.spki, found.predicate, found.times, found.built


def all_said(check, questions):
    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(lambda question: said(check, question), questions))


def test_the_child_answers_as_this_process_does(asked, assistants, monkeypatch):
    expected = all_said(check_bundle, asked * 4)
    assert [answer[0] for answer in expected[: len(asked)]] == WANTED
    monkeypatch.setattr(module, "check_bundle", None)
    assert all_said(assistants(), asked * 4) == expected


def test_where_a_bundle_lies_is_told(asked, assistants, monkeypatch):
    value = json.loads(asked[0][0])
    value["mediaType"] = "application/vnd.dev.sigstore.bundle+json;version=0.2"
    question = json.dumps(value).encode(), DIGEST, asked[0][2]
    with pytest.raises(RejectedError, match="older than"):
        check_bundle(*question, listed=True)
    monkeypatch.setattr(module, "check_bundle", None)
    ask = assistants()
    with pytest.raises(RejectedError, match="older than"):
        ask(*question, listed=True)
    assert ask(*question, listed=False).predicate


def test_what_the_child_cannot_say_is_found_here(asked, assistants):
    """Text that is no text: JSON may hold half a character."""
    value = json.loads(asked[0][0])
    value["verificationMaterial"]["tlogEntries"][0]["kindVersion"]["kind"] = "\ud800"
    value["mediaType"] = "\ud800"
    question = json.dumps(value).encode(), DIGEST, asked[0][2]
    assert said(assistants(), question) == said(check_bundle, question)


def test_a_child_that_ends_is_replaced_by_this_process(asked, assistants):
    ask = assistants(sys.executable, "-c", "import sys; sys.stdin.buffer.read(4)")
    assert all_said(ask, asked) == all_said(check_bundle, asked)


def test_a_child_that_does_not_answer_is_ended(asked, assistants):
    ask = assistants(sys.executable, "-c", "import sys; sys.stdin.read()", seconds=0.1)
    assert said(ask, asked[0])[0] == "holds"


def test_a_child_that_is_killed_loses_nothing(asked, assistants):
    ask = assistants()
    assert said(ask, asked[0])[0] == "holds"
    os.kill(ask._process.pid, signal.SIGKILL)
    assert all_said(ask, asked) == all_said(check_bundle, asked)


def test_few_images_need_no_child(monkeypatch):
    monkeypatch.setattr(module, "Assistant", None)
    with helped(FEW) as check:
        assert check is check_bundle
